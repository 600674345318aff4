"""ToFu: Kim et al., "Token Fusion", WACV 2024."""

from __future__ import annotations

from tokred import MergeRule, Method, SiteKind, SpecError
from tokred.parts import Copy, Cosine, EveryStep, GridMatcher


def tofu(
    *,
    ratio: float = 0.5,
    early: float = 0.5,
    stride: tuple[int, ...] = (2, 2),
    random: bool = True,
    sites: tuple[SiteKind, ...] = ("attn",),
    seed: int = 0,
) -> Method:
    """Match as ToMeSD does; in early blocks drop the matched tokens, in later ones merge them by MLERP.

    MLERP gives a destination the mean direction of its group at the greatest length in it, since averages are shorter
    than what they are averages of. After attention the matched tokens receive a copy of their destination's output.

    Args:
        ratio: share of the image tokens that is removed, in [0, 1 - 1 / (sy * sx)].
        early: share of the blocks that prune, in [0, 1]; the others merge.
        stride: height and width of the cells that hold one destination each, in tokens; or frames before them.
        random: whether destinations are drawn anew at each call; else each is the top-left token of its cell.
        sites: where tokens are reduced.
        seed: of the draws.
    """
    if not isinstance(early, int | float) or not 0 <= early <= 1:
        raise SpecError(f"early={early!r} must be in [0, 1]: the share of the blocks that prune.")
    by_blocks: MergeRule = ((float(early), "prune"), (1.0, "mlerp"))
    return Method(
        name="tofu",
        paper="arXiv:2312.01026",
        similarity=Cosine("block_input"),
        matcher=GridMatcher(stride, random),
        scheduler=EveryStep(ratio),
        recovery=Copy(),
        merge="prune" if early == 1 else by_blocks,
        sites=sites,
        seed=seed,
    )
