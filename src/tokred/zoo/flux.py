"""The pipeline of the zoo's Flux models: diffusers' own `FluxPipeline`, on pixels, prompted by words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import FluxPipeline, FluxTransformer2DModel

from tokred.zoo.prompted import Prompted, SizedByVAE, embed, prompted_pipeline, refuse, request, word_encoder

__all__ = ["build", "pipeline", "request"]

ABSENT = ("tokenizer", "text_encoder_2", "tokenizer_2")
"""The pipeline's parts for which there is nothing here."""


class WordFluxPipeline(SizedByVAE, FluxPipeline):  # type: ignore[misc]
    """`FluxPipeline` with a `WordEncoder` in the place of its two text encoders."""

    _optional_components = [*FluxPipeline._optional_components, *ABSENT]  # noqa: RUF012 - as diffusers has it

    def encode_prompt(
        self,
        prompt: str | Sequence[str] | None,
        prompt_2: None = None,
        num_images_per_prompt: int = 1,
        prompt_embeds: torch.Tensor | None = None,
        pooled_prompt_embeds: torch.Tensor | None = None,
        **_: Any,  # device, maximal length and LoRA scale: of encoders that are not here
    ) -> tuple[torch.Tensor | None, ...]:
        """Embed prompts.

        Returns:
            Text tokens `[B, 8, C]`, pooled vectors `[B, P]`, and the text tokens' positions `[8, 3]`, all zero.

        Raises:
            SpecError: a word is unknown, or a prompt is given for an encoder that is not here.
        """
        refuse(prompt_2=prompt_2)
        if prompt_embeds is None:
            prompt_embeds, pooled_prompt_embeds = embed(self, prompt or "", num_images_per_prompt)
        return prompt_embeds, pooled_prompt_embeds, prompt_embeds.new_zeros(prompt_embeds.shape[1], 3)


def build(config: dict[str, Any], classes: Sequence[str]) -> Prompted:
    """See `tokred.zoo.families.Family`; `config` is that of `FluxTransformer2DModel`."""
    return Prompted(FluxTransformer2DModel(**config), word_encoder(config, classes))


def pipeline(model: Prompted, classes: Sequence[str], size: int) -> WordFluxPipeline:
    """See `tokred.zoo.families.DrawingFamily`."""
    return prompted_pipeline(WordFluxPipeline, model, size, absent=ABSENT)
