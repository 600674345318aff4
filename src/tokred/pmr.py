"""The pair match ratio: how much of one step's correspondences is found again at another."""

from __future__ import annotations

import torch

from tokred.reduction import Reduction


def pair_match_ratio(before: Reduction, after: Reduction) -> torch.Tensor:
    """Return the share of the pairs (source, destination) of `before` that `after` has too.

    The DiTo paper (arXiv:2605.22011) sets its interval by a pair match ratio and this is our reconstruction of it: both
    are to be matched over the same destinations, else pairs differ because destinations do.

    Args:
        before: removes r of N tokens.
        after: of the same N tokens.

    Returns:
        `[B]`, or `[1]` where both are shared by the batch, float32, in [0, 1]; 1 where `before` removes nothing.
    """
    same = (before.follows == after.follows) & ~before.is_kept
    removed = before.tokens - before.computed
    return same.sum(dim=1) / removed if removed else torch.ones(len(same), device=same.device)
