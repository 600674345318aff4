"""What a metric is: what it measures, how it is computed, and how its values are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch

Outputs = Literal["pictures", "clips", "scores", "features"]
"""What a model makes: pictures `[B, 3, H, W]` in [0, 1], clips `[B, F, 3, H, W]`, class scores `[B, K]`, or features
`[B, C]`."""
DRAWN: tuple[Outputs, ...] = ("pictures", "clips")
"""What is drawn."""
Against = Literal["dense", "truth", "prompt"]
Measure = Callable[[torch.Tensor, Any], torch.Tensor]
"""Takes a batch of outputs and what they are compared with, a tensor or texts; returns one value each, `[B]`."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Something that is measured of every output; a component of the kind "metric" names one.

    Attributes:
        name: what results call it, and the component too.
        title: what tables and plots call it.
        unit: of its values; empty where they have none.
        digits: written after the decimal point.
        higher: whether higher is better.
        of: what it is measured of; one of pictures is measured of the frames of clips too, and their mean is taken.
        against: what outputs are compared with: "dense", the dense outputs of the same seeds, which makes it relative;
            or "truth", what the outputs should be, or "prompt", the texts that were asked for, which make it absolute:
            the dense outputs have a value as well.
        shown: whether the terminal's table has room for it; results have them all.
        needs: what has to be there for it, such as a file of weights; empty where it needs nothing.
        load: returns what computes it; called once before anything runs. It may raise a `tokred.WeightsError`.
        overall: makes one number of what was computed of all samples, `[N, ...]`, where a metric is of a set and no
            mean over samples; None where it is one.

    Example:
        >>> error = Metric(name="error", title="error", digits=4, higher=False,
        ...                load=lambda: lambda x, y: (x - y).abs().mean(dim=(1, 2, 3)))
        >>> error.written(0.25)
        '0.2500'
    """

    name: str
    title: str
    unit: str = ""
    digits: int
    higher: bool = True
    of: Outputs = "pictures"
    against: Against = "dense"
    shown: bool = True
    needs: str = ""
    load: Callable[[], Measure]
    overall: Callable[[torch.Tensor], float] | None = None

    @property
    def head(self) -> str:
        """What stands over a column of values, such as "PSNR, dB"."""
        return ", ".join(filter(None, (self.title, self.unit)))

    def written(self, value: float) -> str:
        """Write a value without its unit."""
        return f"{value:.{self.digits}f}"
