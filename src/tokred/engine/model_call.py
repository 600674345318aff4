"""One call of the model, as its sites are prepared for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from tokred.engine.steps import Position
from tokred.interfaces import Time
from tokred.layout import Layout


@dataclass(frozen=True)
class ModelCall:
    """One call of the model, as it reaches a site.

    Attributes:
        position: where in the generation it is.
        layout: how its tokens are made up, those that are gone for good left out.
        whole: how they were made up at first.
        shape: of the picture, or of each where a list of them is given.
        batch: number of samples, B.
        dtype: of the picture, and of what is remembered of the model's features unless that is in half precision.
        device: where the model computes.
        time: how much noise is in the picture, on the device.
        inference: whether it is made in inference mode.
    """

    position: Position
    layout: Layout
    whole: Layout
    shape: tuple[Any, ...]
    batch: int
    dtype: torch.dtype
    device: torch.device
    time: Time
    inference: bool = False
