"""Making the correspondences of a site from its features."""

from __future__ import annotations

import torch

from tokred.engine.sharing import MatchGroup
from tokred.engine.state import Gathered, MatchState
from tokred.method import Method
from tokred.pmr import pair_match_ratio


def in_one(features: torch.Tensor) -> torch.Tensor:
    """Return features `[B, N, C]` as `[1, N, B * C]`: where a batch shares one correspondence, all samples count."""
    return features.transpose(0, 1).flatten(1).unsqueeze(0)


@torch.no_grad()
def make_match(group: MatchGroup, method: Method, state: MatchState, features: torch.Tensor) -> None:
    """Match by `features` `[B, N, C]`, as was planned, and note it in `state`."""
    if not group.per_sample and features.shape[0] > 1:
        features = in_one(features)
    last, matcher = state.reduction, state.matcher or method.matcher
    state.gathered = Gathered()
    removed = features.shape[1] - state.ruler[0]
    state.reduction = matcher.match(features, state.draw, removed, method.similarity, state.memory)
    state.use.compiled = torch.compiler.is_compiling()
    state.pmr = None if state.redrawn or last is None else pair_match_ratio(last, state.reduction).mean()
