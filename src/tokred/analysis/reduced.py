"""What DiTo draws, and which tokens it removed on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tokred.analysis.selection import Recording
from tokred.bench.contender import Contender
from tokred.engine.apply import apply
from tokred.engine.token_map import as_map
from tokred.registry import build_method
from tokred.zoo.catalog import ZooModel


@dataclass(frozen=True)
class Reduced:
    """Pictures by a method.

    Attributes:
        label: the method with its parameters.
        pictures: `[G, 3, H, W]` in [0, 1].
        selected: whether each match removed each token of each generation, `[matches, sites, G, h, w]`, float32.
        compute: operations of the reduced sites over their dense ones, without matching.
    """

    label: str
    pictures: torch.Tensor
    selected: torch.Tensor
    compute: float


def draw_reduced(
    model: ZooModel,
    pipe: Any,
    params: Mapping[str, Any],
    batches: Sequence[Sequence[int]],
    steps: int,
    tell: Callable[[str], None],
) -> Reduced:
    """Draw the pictures of all seeds by DiTo.

    Args:
        model: a model that draws.
        pipe: its pipeline, not reduced; it is given back as it was.
        params: of the method.
        batches: the seeds, as they go through the model.
        steps: number of denoising steps.
        tell: is told of each batch.
    """
    method = build_method("dito", params)
    label = Contender("dito", "method", params, method).label
    recording = Recording(method.matcher)
    pictures, selected = [], []
    with apply(pipe, dataclasses.replace(method, matcher=recording)) as run:
        for seeds in batches:
            tell(f"{label}, seeds {seeds[0]} to {seeds[-1]}")
            pictures.append(model.generate(pipe, seeds, steps))
            selected.append(recording.selected(len(run.sites), len(seeds)))
        report = run.report()
    maps = as_map(torch.cat(selected, dim=2), report.calls[0].layout.grids[0])
    return Reduced(label, torch.cat(pictures), maps, report.compute)
