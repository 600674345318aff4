"""The step that matchers share: the best destination of every source, in linear memory."""

from __future__ import annotations

import torch

from tokred.interfaces import Similarity

CHUNK_SCORES = 2**22
"""Scores held at a time: 16 MB in float32."""


def best_destinations(
    src: torch.Tensor, dst: torch.Tensor, similarity: Similarity
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the most similar destination of each source; the first of equals.

    A score that is not a number counts as minus infinity, so a broken token neither attracts nor is preferred.

    Args:
        src: features of the sources, `[B, S, C]`.
        dst: features of the destinations, `[B, D, C]`.
        similarity: scores the pairs, a few sources at a time.

    Returns:
        The best score and its destination's place in `dst`, both `[B, S]`.
    """
    rows = max(1, CHUNK_SCORES // (src.shape[0] * dst.shape[1]))
    best = [
        similarity.scores(chunk, dst).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).max(dim=2)
        for chunk in torch.split(src, rows, dim=1)
    ]
    return torch.cat([b.values for b in best], dim=1), torch.cat([b.indices for b in best], dim=1)
