"""Diffusers' own pipelines around the tiny models; text embeddings are passed in, and latents come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    PixArtSigmaPipeline,
    StableDiffusion3Pipeline,
)
from families.models import BY_NAME, STEPS, TEXT

from tokred.zoo import dit

NO_TEXT_MODELS = dict.fromkeys(["vae", "text_encoder", "tokenizer"])
MORE_TEXT_MODELS = dict.fromkeys(["text_encoder_2", "tokenizer_2"])
SIZE = {"height": 96, "width": 128, "output_type": "latent"}
"""Latents of 12 by 16, so 6 by 8 tokens."""


@dataclass(frozen=True)
class Pipeline:
    """A pipeline class and how to call it.

    Attributes:
        name: what test ids call it.
        family: name of the model's family.
        wrap: makes the pipeline of a model.
        arguments: what it is called with.
        branches: guidance branches that are called apart.
    """

    name: str
    family: str
    wrap: Callable[[Any], Any]
    arguments: Callable[[], dict[str, Any]]
    branches: int = 1

    def __str__(self) -> str:
        return self.name

    def build(self, dtype: torch.dtype = torch.float32) -> Any:
        """Build the pipeline around the family's model."""
        pipe = self.wrap(BY_NAME[self.family].model()).to(dtype=dtype)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def generate(self, pipe: Any, steps: int = STEPS, **changed: Any) -> torch.Tensor:
        """Draw two pictures, or latents of pictures."""
        generator = torch.Generator().manual_seed(0)
        made = {n: _typed(v, pipe.transformer.dtype) for n, v in self.arguments().items()} | changed
        images: torch.Tensor = pipe(num_inference_steps=steps, generator=generator, **made).images
        return images


def _typed(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, torch.Tensor) else value


def _prompts(pooled: bool = True, negative: bool = True) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    made = {"prompt_embeds": torch.randn(2, TEXT, 12, generator=generator)}
    made |= {"pooled_prompt_embeds": torch.randn(2, 14, generator=generator)} if pooled else {}
    return made | ({f"negative_{name}": -value for name, value in made.items()} if negative else {})


def _dit(model: Any) -> Any:
    return dit.pipeline(model, [str(label) for label in range(1000)], model.config.sample_size)


def _sd3(model: Any) -> Any:
    third = dict.fromkeys(["text_encoder_3", "tokenizer_3"])
    scheduler = FlowMatchEulerDiscreteScheduler()
    return StableDiffusion3Pipeline(model, scheduler, **NO_TEXT_MODELS, **MORE_TEXT_MODELS, **third)


def _flux(model: Any) -> Any:
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    return FluxPipeline(scheduler, transformer=model, **NO_TEXT_MODELS, **MORE_TEXT_MODELS)


def _pixart(model: Any) -> Any:
    return PixArtSigmaPipeline(transformer=model, scheduler=DPMSolverMultistepScheduler(), **NO_TEXT_MODELS)


def _labels(guidance: float) -> Callable[[], dict[str, Any]]:
    return lambda: {"class_labels": [3, 7], "guidance_scale": guidance, "output_type": "pt"}


def _captions() -> dict[str, Any]:
    masks = {"prompt_attention_mask": torch.ones(2, TEXT), "negative_prompt_attention_mask": torch.ones(2, TEXT)}
    return {**_prompts(pooled=False), **masks, "negative_prompt": None, "use_resolution_binning": False, **SIZE}


PIPELINES = (
    Pipeline("DiTPipeline", "dit", _dit, _labels(1.0)),
    Pipeline("DiTPipeline with guidance", "dit", _dit, _labels(3.0)),
    Pipeline("PixArtSigmaPipeline", "pixart", _pixart, _captions),
    Pipeline("StableDiffusion3Pipeline", "sd3", _sd3, lambda: {**_prompts(), "guidance_scale": 3.0, **SIZE}),
    Pipeline("StableDiffusion3Pipeline of 3.5", "sd35", _sd3, lambda: {**_prompts(), "guidance_scale": 3.0, **SIZE}),
    Pipeline("FluxPipeline", "flux", _flux, lambda: {**_prompts(negative=False), **SIZE}),
    Pipeline(
        "FluxPipeline with true guidance", "flux", _flux, lambda: {**_prompts(), "true_cfg_scale": 2.0, **SIZE}, 2
    ),
)
PIPELINE = {pipeline.name: pipeline for pipeline in PIPELINES}
