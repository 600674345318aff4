"""The pipeline of the zoo's SD3 models: diffusers' own `StableDiffusion3Pipeline`, on pixels, prompted by words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import SD3Transformer2DModel, StableDiffusion3Pipeline

from tokred.zoo.prompted import Prompted, SizedByVAE, embed, prompted_pipeline, refuse, request, word_encoder

__all__ = ["build", "pipeline", "request"]

ABSENT = ("tokenizer", "text_encoder_2", "tokenizer_2", "text_encoder_3", "tokenizer_3")
"""The pipeline's parts for which there is nothing here."""


class WordSD3Pipeline(SizedByVAE, StableDiffusion3Pipeline):  # type: ignore[misc]
    """`StableDiffusion3Pipeline` with a `WordEncoder` in the place of its three text encoders."""

    _optional_components = [*StableDiffusion3Pipeline._optional_components, *ABSENT]  # noqa: RUF012 - as diffusers has it

    def encode_prompt(
        self,
        prompt: str | Sequence[str] | None,
        prompt_2: None = None,
        prompt_3: None = None,
        negative_prompt: str | Sequence[str] | None = None,
        negative_prompt_2: None = None,
        negative_prompt_3: None = None,
        do_classifier_free_guidance: bool = True,
        num_images_per_prompt: int = 1,
        prompt_embeds: torch.Tensor | None = None,
        pooled_prompt_embeds: torch.Tensor | None = None,
        negative_prompt_embeds: torch.Tensor | None = None,
        negative_pooled_prompt_embeds: torch.Tensor | None = None,
        clip_skip: None = None,
        **_: Any,  # device, maximal length and LoRA scale: of encoders that are not here
    ) -> tuple[torch.Tensor | None, ...]:
        """Embed prompts; the empty prompt stands where no negative one is given.

        Returns:
            Text tokens `[B, 8, C]`, the negative ones, pooled vectors `[B, P]`, the negative ones; without guidance
            the negative ones are None.

        Raises:
            SpecError: a word is unknown, or a prompt is given for an encoder that is not here.
        """
        refuse(
            prompt_2=prompt_2,
            prompt_3=prompt_3,
            negative_prompt_2=negative_prompt_2,
            negative_prompt_3=negative_prompt_3,
            clip_skip=clip_skip,
        )
        if prompt_embeds is None:
            prompt_embeds, pooled_prompt_embeds = embed(self, prompt or "", num_images_per_prompt)
        if do_classifier_free_guidance and negative_prompt_embeds is None:
            count = len(prompt_embeds) // num_images_per_prompt
            negative = negative_prompt or ""
            negatives = [negative] * count if isinstance(negative, str) else negative
            negative_prompt_embeds, negative_pooled_prompt_embeds = embed(self, negatives, num_images_per_prompt)
        return prompt_embeds, negative_prompt_embeds, pooled_prompt_embeds, negative_pooled_prompt_embeds


def build(config: dict[str, Any], classes: Sequence[str]) -> Prompted:
    """See `tokred.zoo.families.Family`; `config` is that of `SD3Transformer2DModel`."""
    return Prompted(SD3Transformer2DModel(**config), word_encoder(config, classes))


def pipeline(model: Prompted, classes: Sequence[str], size: int) -> WordSD3Pipeline:
    """See `tokred.zoo.families.DrawingFamily`."""
    return prompted_pipeline(WordSD3Pipeline, model, size, absent=ABSENT)
