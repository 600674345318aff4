"""The step that matchers share: the best destination of every source, in linear memory."""

from __future__ import annotations

import torch

from tokred.interfaces import Similarity

CHUNK_SCORES = 2**22
"""Scores held at a time: 16 MB in float32."""


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
    best = [_scores(chunk, dst, similarity, penalty).max(dim=2) for chunk in in_chunks(src, dst)]
    return torch.cat([b.values for b in best], dim=1), torch.cat([b.indices for b in best], dim=1)


def in_chunks(src: torch.Tensor, dst: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Split sources `[B, S, C]` so that the scores of each part with all of `dst` `[B, D, C]` fit into memory."""
    return torch.split(src, max(1, CHUNK_SCORES // (src.shape[0] * dst.shape[1])), dim=1)


def _scores(src: torch.Tensor, dst: torch.Tensor, similarity: Similarity, penalty: torch.Tensor | None) -> torch.Tensor:
    """Score `[B, S, D]`, without what is not a number."""
    scores = similarity.scores(src, dst).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    return scores if penalty is None else scores - penalty.unsqueeze(1)
