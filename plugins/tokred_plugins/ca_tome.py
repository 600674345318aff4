"""CA-ToMe: cached token merging, arXiv:2501.00946, 2025."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tokred import Method, Phase, Plan, SiteInfo, SiteKind, SpecError
from tokred.interfaces import Match
from tokred.parts import Copy, Cosine, GridMatcher, check_ratio

PUBLISHED = tuple(step / 50 for step in (0, 8, 11, 13, 20, 25, 30, 35, 45, 46, 47, 48, 49))
"""The paper's best checkpoints, CONFIG_3, as shares of a generation; there it had 50 steps."""


@dataclass(frozen=True)
class Checkpoints:
    """Reduce in every call; match only at checkpoints, from a signal that is known before the site runs.

    Attributes:
        ratio: share of the image tokens that is removed, in [0, 1).
        interval: number of steps from one checkpoint to the next; 0 takes the published places.
    """

    ratio: float
    interval: int = 0
    reuses: ClassVar[bool] = True
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ratio(self.ratio)
        if not isinstance(self.interval, int) or self.interval < 0:
            raise SpecError(
                f"interval={self.interval!r} must be a number of steps from one checkpoint to the next, or 0 for the "
                "published ones."
            )

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a reduction, with a match before it at a checkpoint."""
        if self.interval:
            at_checkpoint = step % self.interval == 0
        else:
            at_checkpoint = step in {int(share * steps + 1e-9) for share in PUBLISHED}
        return Plan(Phase.MATCH_REDUCE if at_checkpoint else Phase.REDUCE, self.ratio)


def ca_tome(
    *,
    ratio: float = 0.5,
    interval: int = 0,
    stride: tuple[int, ...] = (2, 2),
    sites: tuple[SiteKind, ...] = ("attn",),
    seed: int = 0,
) -> Method:
    """Merge as ToMeSD does in every call, with the pairs of the last checkpoint step.

    Args:
        ratio: share of the image tokens that is removed, in [0, 1 - 1 / (sy * sx)].
        interval: number of steps from one checkpoint to the next; 0 takes the published places, which lie
            close together at the start and closest at the end.
        stride: height and width of the cells that hold one destination each, in tokens; or frames before them.
        sites: where tokens are reduced.
        seed: of the draws.
    """
    return Method(
        name="ca_tome",
        paper="arXiv:2501.00946",
        similarity=Cosine("block_input"),
        matcher=GridMatcher(stride),
        scheduler=Checkpoints(ratio, interval),
        recovery=Copy(),
        merge="mean",
        sites=sites,
        seed=seed,
    )
