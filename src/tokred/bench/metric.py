"""A measure of quality, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch

Against = Literal["dense", "truth"]
Targets = Mapping[Against, torch.Tensor]
"""What a batch of outputs can be compared with."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Something that is measured of every output.

    Attributes:
        name: what results call it.
        title: what tables and plots call it.
        unit: of its values; empty where they have none.
        digits: written after the decimal point.
        higher: whether higher is better.
        against: what outputs are compared with: "dense", the dense outputs of the same seeds, which makes it relative;
            or "truth", what the outputs should be, which makes it absolute: the dense outputs have a value as well.
        shown: whether the terminal's table has room for it; results have them all.
        measure: takes a batch of outputs and what they are compared with; returns one value each, `[B]`.
    """

    name: str
    title: str
    unit: str = ""
    digits: int
    higher: bool = True
    against: Against = "dense"
    shown: bool = True
    measure: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

    @property
    def head(self) -> str:
        """What stands over a column of values, such as "PSNR, dB"."""
        return ", ".join(filter(None, (self.title, self.unit)))

    def written(self, value: float) -> str:
        """Write a value without its unit."""
        return f"{value:.{self.digits}f}"
