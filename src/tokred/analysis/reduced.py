"""What DiTo draws, and which tokens it removed on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tokred.analysis.selection import Recording
from tokred.bench.contender import Contender
from tokred.bench.subject import Subject
from tokred.engine.apply import apply
from tokred.engine.token_map import as_map
from tokred.registry import build_method


@dataclass(frozen=True)
class Reduced:
    """Pictures by a method.

    Attributes:
        label: the method with its parameters.
        pictures: `[G, 3, H, W]` in [0, 1].
        selected: whether each match removed each token of each generation, `[matches, sites, G, h, w]`, float32; of
            the sites of the finest grid.
        compute: operations of the reduced sites over their dense ones, without matching.
    """

    label: str
    pictures: torch.Tensor
    selected: torch.Tensor
    compute: float


def draw_reduced(
    subject: Subject,
    params: Mapping[str, Any],
    batches: Sequence[Sequence[int]],
    steps: int,
    tell: Callable[[str], None],
) -> Reduced:
    """Draw the pictures of all seeds by DiTo.

    Args:
        subject: a pipeline that draws, not reduced; it is given back as it was.
        params: of the method.
        batches: the seeds, as they go through the model.
        steps: number of denoising steps.
        tell: is told of each batch.
    """
    method = build_method("dito", params)
    label = Contender("dito", "method", params, method).label
    recording = Recording(method.matcher)
    pictures, selected = [], []
    with apply(subject.model, dataclasses.replace(method, matcher=recording)) as run:
        for seeds in batches:
            tell(f"{label}, seeds {seeds[0]} to {seeds[-1]}")
            pictures.append(subject.generate(seeds, steps))
            report = run.report()
            finest = max((call.layout for call in report.calls), key=lambda layout: layout.image)
            sites = {call.site.name for call in report.calls if call.layout.image == finest.image}
            selected.append(recording.selected(len(sites), len(seeds)))
    maps = as_map(torch.cat(selected, dim=2), finest.grids[0])
    return Reduced(label, torch.cat(pictures), maps, report.compute)
