"""diffusers' `MotifVideoTransformer3DModel`: as HunyuanVideo; its decoder, if it has one, is left whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokred.family import Family, Stack
from tokred.family.grids import patches
from tokred_adapters.hunyuan_video import DOUBLE, SINGLE


def _stacks(model: Any) -> tuple[Stack, ...]:
    """Leave out the single blocks where the last of them take the picture for text."""
    return (DOUBLE,) if model.num_decoder_layers else (DOUBLE, SINGLE)


def _text(model: Any, arguments: Mapping[str, Any]) -> int:
    """Count the tokens of the text and of a first frame that is seen."""
    given = (arguments.get(name) for name in ("encoder_hidden_states", "image_embeds"))
    return sum(embeds.shape[1] for embeds in given if embeds is not None)


MOTIF_VIDEO = Family(
    name="motif_video",
    models=("diffusers.MotifVideoTransformer3DModel",),
    grid=patches(size=("patch_size_t", "patch_size", "patch_size"), axes=(2, 3, 4)),
    stacks=_stacks,
    text=_text,
)
