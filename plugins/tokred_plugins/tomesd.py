"""ToMeSD: Bolya & Hoffman, "Token Merging for Fast Stable Diffusion", CVPR Workshops 2023."""

from __future__ import annotations

from tokred import Method, SiteKind
from tokred.parts import Copy, Cosine, EveryStep, GridMatcher


def tomesd(
    *,
    ratio: float = 0.5,
    stride: tuple[int, ...] = (2, 2),
    random: bool = True,
    sites: tuple[SiteKind, ...] = ("attn",),
    seed: int = 0,
) -> Method:
    """Average similar tokens before attention and copy the result to all of them, in every call.

    Tokens are compared by the input of their transformer block. As in the paper only self-attention is reduced by
    default, merged tokens are plain averages, and attention is not weighted by their sizes.

    Args:
        ratio: share of the image tokens that is removed, in [0, 1 - 1 / (sy * sx)].
        stride: height and width of the cells that hold one destination each, in tokens; or frames before them.
        random: whether destinations are drawn anew at each call; else each is the top-left token of its cell.
        sites: where tokens are reduced.
        seed: of the draws.
    """
    return Method(
        name="tomesd",
        paper="arXiv:2303.17604",
        similarity=Cosine("block_input"),
        matcher=GridMatcher(stride, random),
        scheduler=EveryStep(ratio),
        recovery=Copy(),
        merge="mean",
        sites=sites,
        seed=seed,
    )
