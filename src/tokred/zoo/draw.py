"""Pictures from seeds, by any pipeline of the zoo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tokred.errors import SpecError


def draw(pipe: Any, request: Mapping[str, Any], seeds: Sequence[int], steps: int, guidance: float) -> torch.Tensor:
    """Draw one picture for each seed.

    Args:
        pipe: a pipeline of the zoo, reduced or not.
        request: what is asked for, a picture for each seed; from `DrawingFamily.request`.
        seeds: `B` integers, at least one; each has a generator of its own.
        steps: number of denoising steps, at least 1.
        guidance: guidance scale; 1.0 is none.

    Returns:
        Pictures `[B, 3, H, W]` or clips `[B, F, 3, H, W]` in [0, 1], float32, on the CPU.

    Raises:
        SpecError: there are no seeds, or `steps` is less than 1.
    """
    if len(seeds) == 0:
        raise SpecError("seeds=[] draws nothing. Give at least one integer; each one draws a picture.")
    if steps < 1:
        raise SpecError(f"steps={steps} must be at least 1. It is the number of denoising steps.")
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    settings = {"num_inference_steps": steps, "guidance_scale": guidance, "output_type": "pt"}
    drawn = pipe(**request, generator=generators, **settings)
    pictures: torch.Tensor = drawn.images if "images" in drawn else drawn.frames
    return pictures.float().cpu()
