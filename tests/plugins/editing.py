"""A tiny model that edits, and what a pipeline with references calls it with, step after step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from families.tiny_pipelines import HOSTS
from torch import nn

import tokred
from tokred.layout import Grid
from tokred.testing.host import Host
from tokred_adapters.tiny.making import packed, positions

TARGET = (4, 6)
"""The grid that is drawn."""
DRAWN = math.prod(TARGET)


@dataclass(frozen=True)
class Editing:
    """The model, and its calls."""

    host: Host
    model: nn.Module
    calls: list[dict[str, Any]]

    @torch.no_grad()
    def run(self, around: Callable[[int], Any]) -> list[torch.Tensor]:
        """Call the model at every step, and return the rows of the drawn picture."""
        outputs = []
        for i, arguments in enumerate(self.calls):
            with around(i):
                moment = torch.full((2,), noise(i, len(self.calls)))
                outputs.append(self.model(**arguments, timestep=moment, return_dict=False)[0][:, :DRAWN])
        return outputs

    def stepwise(self) -> list[torch.Tensor]:
        """Do so while tokred is told of each step."""
        return self.run(lambda i: tokred.step(i, len(self.calls)))


def editing(name: str, steps: int, given: tuple[Grid, ...], **config: Any) -> Editing:
    """Build a tiny model of a host, with references of some grids; `config` differs from the host's."""
    host = HOSTS[name]
    if config:
        kind, usual = type(host.build()), dict(host.build().config)
        host = replace(host, build=lambda: kind(**{k: v for k, v in (usual | config).items() if k[0] != "_"}))
    model = host.model()
    made = host.arguments(model, 0, grid=TARGET)
    width = made["hidden_states"].shape[2]
    if "img_ids" in made:
        made["img_ids"] = torch.cat([positions(grid, n) for n, grid in enumerate((TARGET, *given))])
    else:
        del made["given"]
        made["img_shapes"] = [[(1, *grid) for grid in (TARGET, *given)]] * 2
    generator = torch.Generator().manual_seed(1)
    references = torch.randn(packed(width)(2, (1, sum(map(math.prod, given)))), generator=generator)
    noises = torch.randn(steps, 2, DRAWN, width, generator=generator)
    return Editing(host, model, [made | {"hidden_states": torch.cat([noise, references], dim=1)} for noise in noises])


def noise(step: int, steps: int) -> float:
    """Return the share of noise at a step."""
    return 1 - step / steps


def carried(known: list[tuple[int, torch.Tensor]], step: int, steps: int) -> torch.Tensor:
    """Carry on the line through the last two over the log of the ratio of picture to noise."""

    def place(index: int) -> float:
        share = min(noise(index, steps), 1 - 1e-3)
        return math.log((1 - share) / share)

    if len(known) == 1:
        return known[0][1]
    (a, x), (b, y) = known[-2:]
    return y + (y - x) * (place(step) - place(b)) / (place(b) - place(a))
