"""The pipeline of the zoo's video models: diffusers' own `WanPipeline`, on pixels, prompted by words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import WanPipeline, WanTransformer3DModel

from tokred.zoo.encoder import WordEncoder
from tokred.zoo.pixels import FrameAutoencoder
from tokred.zoo.prompted import Prompted, SizedByVAE, embed, prompted_pipeline, request
from tokred.zoo.words import vocabulary

__all__ = ["FRAMES", "build", "pipeline", "request"]

FRAMES = 6
"""Frames of a clip."""
ABSENT = ("tokenizer", "transformer_2")
"""The pipeline's parts for which there is nothing here."""


class WordWanPipeline(SizedByVAE, WanPipeline):  # type: ignore[misc]
    """`WanPipeline` with a `WordEncoder` in the place of its text encoder, and frames of the size of its model."""

    def __call__(self, *args: Any, **arguments: Any) -> Any:
        """See `WanPipeline`."""
        side = self.default_sample_size
        return super().__call__(*args, **{"height": side, "width": side, "num_frames": FRAMES} | arguments)

    def prepare_latents(
        self, batch_size: int, channels: int, height: int, width: int, num_frames: int, *args: Any
    ) -> torch.Tensor:
        """Draw the noise `[B, 3, F, H, W]`: as many frames of latents as of pixels."""
        frames = (num_frames - 1) * self.vae_scale_factor_temporal + 1
        noise: torch.Tensor = super().prepare_latents(batch_size, channels, height, width, frames, *args)
        return noise

    def encode_prompt(
        self,
        prompt: str | Sequence[str] | None,
        negative_prompt: str | Sequence[str] | None = None,
        do_classifier_free_guidance: bool = True,
        num_videos_per_prompt: int = 1,
        prompt_embeds: torch.Tensor | None = None,
        negative_prompt_embeds: torch.Tensor | None = None,
        **_: Any,  # maximal length, device and dtype: of an encoder that is not here
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Embed prompts; the empty prompt stands where no negative one is given.

        Returns:
            Text tokens `[B, 8, C]` and the negative ones, which are None without guidance.

        Raises:
            SpecError: a word is unknown.
        """
        if prompt_embeds is None:
            prompt_embeds, _pooled = embed(self, prompt or "", num_videos_per_prompt)
        if do_classifier_free_guidance and negative_prompt_embeds is None:
            count = len(prompt_embeds) // num_videos_per_prompt
            negative = negative_prompt or ""
            negatives = [negative] * count if isinstance(negative, str) else negative
            negative_prompt_embeds, _pooled = embed(self, negatives, num_videos_per_prompt)
        return prompt_embeds, negative_prompt_embeds


def build(config: dict[str, Any], classes: Sequence[str]) -> Prompted:
    """See `tokred.zoo.families.Family`; `config` is that of `WanTransformer3DModel`, which takes no pooled vector."""
    return Prompted(WanTransformer3DModel(**config), WordEncoder(vocabulary(classes), config["text_dim"], 1))


def pipeline(model: Prompted, classes: Sequence[str], size: int) -> WordWanPipeline:
    """See `tokred.zoo.families.DrawingFamily`."""
    return prompted_pipeline(
        WordWanPipeline, model, size, absent=ABSENT, vae=FrameAutoencoder(FRAMES - 1, sample_size=size)
    )
