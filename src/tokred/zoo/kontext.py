"""The pipeline of the zoo's editing models: diffusers' own `FluxKontextPipeline`, on pixels, prompted by words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffusers import FluxKontextPipeline

from tokred.zoo.flux import ABSENT, WordFluxPipeline, build
from tokred.zoo.prompted import Prompted, SizedByVAE, prompted_pipeline, request

__all__ = ["build", "pipeline", "request"]


class WordKontextPipeline(SizedByVAE, FluxKontextPipeline):  # type: ignore[misc]
    """`FluxKontextPipeline` with a `WordEncoder` in the place of its two text encoders.

    `image` is a picture of any kind that the pipeline takes, or pixels `[B, 3, H, W]` in [-1, 1], which are the latents
    here. It keeps its size, where Flux Kontext brings pictures to a megapixel.
    """

    encode_prompt = WordFluxPipeline.encode_prompt

    def __call__(self, *args: Any, **arguments: Any) -> Any:
        """See `FluxKontextPipeline`."""
        side = self.default_sample_size
        height, width = (arguments.get(name) or side for name in ("height", "width"))
        return super().__call__(*args, **{"max_area": height * width, "_auto_resize": False} | arguments)


def pipeline(model: Prompted, classes: Sequence[str], size: int) -> WordKontextPipeline:
    """See `tokred.zoo.families.DrawingFamily`."""
    return prompted_pipeline(WordKontextPipeline, model, size, absent=(*ABSENT, "image_encoder", "feature_extractor"))
