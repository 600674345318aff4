"""ToFu: Kim et al., "Token Fusion", WACV 2024."""

from __future__ import annotations

from dataclasses import dataclass

from tokred import MergeMode, Method, SiteInfo, SiteKind, SpecError
from tokred.parts import Copy, Cosine, EveryStep, GridMatcher


@dataclass(frozen=True)
class PruneThenMLERP:
    """Prune in the first blocks, where outputs do not follow inputs linearly, and merge in the later ones.

    Attributes:
        early: share of the blocks that prune, in [0, 1].
    """

    early: float

    def __post_init__(self) -> None:
        if not isinstance(self.early, int | float) or not 0 <= self.early <= 1:
            raise SpecError(f"early={self.early!r} must be in [0, 1]: the share of the blocks that prune.")

    def __call__(self, site: SiteInfo) -> MergeMode:
        """Return what the site's block does."""
        return "prune" if site.depth < self.early * site.blocks else "mlerp"


def tofu(
    *,
    ratio: float = 0.5,
    early: float = 0.5,
    stride: tuple[int, int] = (2, 2),
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
        stride: height and width of the cells that hold one destination each, in tokens.
        random: whether destinations are drawn anew at each call; else each is the top-left token of its cell.
        sites: where tokens are reduced.
        seed: of the draws.
    """
    return Method(
        name="tofu",
        paper="arXiv:2312.01026",
        similarity=Cosine("block_input"),
        matcher=GridMatcher(stride, random),
        scheduler=EveryStep(ratio),
        recovery=Copy(),
        merge=PruneThenMLERP(early),
        sites=sites,
        seed=seed,
    )
