"""The steps that matchers share: the best destination of every source, in linear memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from tokred.interfaces import Similarity
from tokred.parts.product import Product
from tokred.reduction import take_rows

CHUNK_SCORES = 2**23
"""Scores held at a time: 32 MB in float32."""


def best_among(
    features: torch.Tensor,
    dst: torch.Tensor,
    similarity: Similarity,
    penalty: torch.Tensor | None = None,
    exact: bool = True,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the most similar one of some tokens for every token, themselves too; the first of equals.

    Args:
        features: of all tokens, `[B, N, C]`.
        dst: positions of those among which to find it, shared by the batch, `[D]`, int64.
        similarity: scores the pairs.
        penalty: see `best_destinations`.
        exact: whether the scores are to be those of `similarity`; else they may all be multiplied by one number.

    Returns:
        The best score and its place in `dst`, both `[B, N]`.
    """
    if isinstance(similarity, Product) and type(similarity).scores is Product.scores:
        units = similarity.unit(features)
        score = partial(similarity.products, exact=exact or penalty is not None)
        return _best(units, units.index_select(1, dst), score, penalty)
    return _best(features, features.index_select(1, dst), similarity.scores, penalty)


def best_destinations(
    src: torch.Tensor, dst: torch.Tensor, similarity: Similarity, penalty: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the most similar destination of each source; the first of equals.

    A score that is not a number counts as minus infinity, so a broken token neither attracts nor is preferred.

    Args:
        src: features of the sources, `[B, S, C]`.
        dst: features of the destinations, `[B, D, C]`.
        similarity: scores the pairs, a few sources at a time.
        penalty: what each destination's scores lose, `[B, D]`, finite; None for nothing.

    Returns:
        The best score and its destination's place in `dst`, both `[B, S]`.
    """
    return _best(src, dst, similarity.scores, penalty)


def all_but(tokens: torch.Tensor, count: int) -> torch.Tensor:
    """List the positions below `count` that are not in `tokens` `[B, M]`, ascending: `[B, count - M]`."""
    named = torch.zeros(len(tokens), count, dtype=torch.bool, device=tokens.device).scatter(1, tokens, True)
    return named.int().argsort(dim=1, stable=True)[:, : count - tokens.shape[1]]


def closest_pairs(
    features: torch.Tensor, dst: torch.Tensor, r: int, similarity: Similarity
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the r tokens that are most similar to a destination, where each sample has destinations of its own.

    Args:
        features: of all tokens, `[B, N, C]`.
        dst: positions of the destinations, ascending, `[B, D]`, int64.
        r: number of pairs, at most N - D.
        similarity: scores the pairs.

    Returns:
        Positions of these tokens, most similar first, and of the destination of each, both `[B, r]`.
    """
    others = all_but(dst, features.shape[1])
    score, place = best_destinations(take_rows(features, others), take_rows(features, dst), similarity)
    chosen = score.argsort(dim=1, descending=True, stable=True)[:, :r]
    return others.gather(1, chosen), dst.gather(1, place.gather(1, chosen))


def in_chunks(src: torch.Tensor, dst: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Split sources `[B, S, C]` so that the scores of each part with all of `dst` `[B, D, C]` fit into memory."""
    return torch.split(src, max(1, CHUNK_SCORES // (src.shape[0] * dst.shape[1])), dim=1)


Scoring = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _best(
    src: torch.Tensor, dst: torch.Tensor, score: Scoring, penalty: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `best_destinations`; in chunks only where there are several."""
    best = [_scores(chunk, dst, score, penalty).max(dim=2) for chunk in in_chunks(src, dst)]
    if len(best) == 1:
        return best[0].values, best[0].indices
    return torch.cat([b.values for b in best], dim=1), torch.cat([b.indices for b in best], dim=1)


def _scores(src: torch.Tensor, dst: torch.Tensor, score: Scoring, penalty: torch.Tensor | None) -> torch.Tensor:
    """Score `[B, S, D]`, without what is not a number; in place, the scores being nobody else's."""
    scores = score(src, dst).nan_to_num_(nan=-torch.inf, neginf=-torch.inf)
    return scores if penalty is None else scores.sub_(penalty.unsqueeze(1))
