"""Making the correspondences of a site from its features."""

from __future__ import annotations

import torch

from tokred.adapter import SiteSpec
from tokred.engine.sharing import MatchGroup
from tokred.engine.state import MatchState
from tokred.engine.taps import Held
from tokred.errors import UnsupportedModel
from tokred.interfaces import Signal
from tokred.method import Method
from tokred.pmr import pair_match_ratio


def held_features(spec: SiteSpec, held: Held, tokens: torch.Tensor, signal: Signal) -> torch.Tensor:
    """Take what was offered from inside a site's block, and return the rows of its image tokens, `[B, N, C]`.

    Args:
        spec: the site.
        held: waits for the features.
        tokens: the site's image tokens, `[B, N, C']`.
        signal: what is compared.

    Raises:
        UnsupportedModel: if nothing was offered in this call, or the features of fewer tokens.
    """
    features, image = held.take(), tokens.shape[1]
    if features is None or features.shape[1] < image:
        made = "none" if features is None else f"those of {features.shape[1]} tokens"
        raise UnsupportedModel(
            f"{spec.name} matches by signal={signal!r} of all {image} image tokens, and its block has made {made} in "
            "this call. Let a block's sites match at the same steps, or use another signal."
        )
    features = features[:, -image:]
    return torch.cat([_unit(features), _unit(tokens)], dim=2) if signal == "key+input" else features


@torch.no_grad()
def make_match(group: MatchGroup, method: Method, state: MatchState, features: torch.Tensor) -> None:
    """Match by `features` `[B, N, C]`, as was planned, and note it in `state`."""
    if not group.per_sample and features.shape[0] > 1:
        # One correspondence for the batch: a token is compared by its features in all samples at once.
        features = features.transpose(0, 1).flatten(1).unsqueeze(0)
    last, matcher = state.reduction, state.matcher or method.matcher
    state.reduction = matcher.match(features, state.draw, state.removed, method.similarity, state.memory)
    state.pmr = None if state.redrawn or last is None else pair_match_ratio(last, state.reduction).mean()


def _unit(x: torch.Tensor) -> torch.Tensor:
    """Scale each token of `x` `[B, N, C]` to length 1, in float32; tokens of zeros stay zeros."""
    return torch.nn.functional.normalize(x.float(), dim=2, eps=torch.finfo(torch.float32).tiny)
