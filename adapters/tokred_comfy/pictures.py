"""What was computed, as a picture."""

from __future__ import annotations

from collections import defaultdict
from math import prod

import torch

from .drawn import Drawn

CELL = 16
"""Pixels of a token, and of a step, in the picture."""


def picture_of(drawn: Drawn) -> torch.Tensor:
    """Return pictures `[F, H, W, 3]` in [0, 1]: how many sites kept each token; without tokens, each step's share."""
    shares = _kept_tokens(drawn) if drawn.kept else _steps(drawn)
    enlarged = shares.repeat_interleave(CELL, dim=1).repeat_interleave(CELL, dim=2)
    return enlarged.unsqueeze(-1).expand(-1, -1, -1, 3).contiguous()


def _kept_tokens(drawn: Drawn) -> torch.Tensor:
    """Return, for each token `[F, h, w]`, the share of sites that kept it, of those with the finest grid."""
    assert drawn.report is not None, "tokens are kept by a sampling"
    grids = {call.site.name: call.layout.grids[0] for call in drawn.report.calls if call.layout.grids}
    finest = max((grids[name] for name in drawn.kept), key=prod)
    kept = torch.zeros(prod(finest))
    sites = [places for name, places in drawn.kept.items() if grids[name] == finest]
    for places in sites:
        kept[places] += 1 / len(sites)
    return kept.reshape(-1, *finest[-2:])


def _steps(drawn: Drawn) -> torch.Tensor:
    """Return, for each step, the share of the operations that was computed, `[1, 1, steps]`."""
    computed: dict[int, list[float]] = defaultdict(list)
    for call in drawn.report.calls if drawn.report else ():
        computed[call.position.step].append(call.flops / call.dense_flops)
    shares = [sum(step) / len(step) for _, step in sorted(computed.items())]
    return torch.tensor([[shares or [1.0]]])
