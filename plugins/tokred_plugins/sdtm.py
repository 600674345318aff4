"""SDTM: Fang et al., CVPR 2025: windows merged early, anchors of the stalest tokens late, blended with a cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import torch

from tokred import Layout, Matcher, Method, Phase, Plan, Reduction, Similarity, SiteInfo, SiteKind, SpecError
from tokred.interfaces import DENSE, Draw, Match, Memory
from tokred.parts import Blend, Cosine, cells_of, check_at_least, check_ratio, check_stride, closest_pairs, count_cells

STALENESS = "merged"
"""The matchers' memory: how many matches in a row each token has been in a group of several."""


@dataclass(frozen=True)
class AnchorMatcher:
    """Keep in each window the token that was merged most often in a row; remove the r others closest to one (FIDM).

    Attributes:
        window: height and width of a window, in tokens; or frames before them.
    """

    window: tuple[int, ...] = (2, 2)

    def __post_init__(self) -> None:
        check_stride(self.window, "window")

    @property
    def max_ratio(self) -> float:
        """Share of the tokens that are not kept where each window keeps one."""
        return 1 - 1 / prod(self.window)

    def capacity(self, layout: Layout) -> int:
        """Return the number of tokens that the windows can lose."""
        return count_cells(layout, self.window) * (prod(self.window) - 1)

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """List the windows `[D, n]`."""
        return (cells_of(layout, self.window),)

    def state_spec(self, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        """Declare the counts `[B, N]`."""
        return {STALENESS: shape}

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Remove the `r` tokens of `features` `[B, N, C]` that are most similar to an anchor."""
        (windows,) = draw
        stalest = memory[STALENESS][:, windows].argmax(dim=2, keepdim=True)
        anchors = windows.expand(len(features), -1, -1).gather(2, stalest).squeeze(2).sort(dim=1).values
        reduction = Reduction.from_pairs(features.shape[1], *closest_pairs(features, anchors, r, similarity))
        return _counted(reduction, memory)


@dataclass(frozen=True)
class WindowMatcher(AnchorMatcher):
    """Collapse the windows whose tokens are most alike, each into a random one of its own (SSM).

    The last window that is needed may lose some of its tokens only.

    Attributes:
        window: height and width of a window, in tokens; or frames before them.
        frequency: weight, in the choice of windows, of how often in a row its tokens were merged, over the mean.
    """

    frequency: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.frequency, int | float) or not math.isfinite(self.frequency):
            raise SpecError(f"frequency={self.frequency!r} must be a finite number; below 0 it spares what was merged.")

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Draw an anchor in each window: windows `[D, n]`, anchors `[D]` and the others `[D, n - 1]`."""
        windows = cells_of(layout, self.window)
        slot = torch.randint(windows.shape[1], (len(windows), 1), generator=generator)
        order = torch.zeros_like(windows).scatter(1, slot, 1).argsort(dim=1, stable=True)  # the anchor comes last
        ordered = windows.gather(1, order)
        return windows, ordered[:, -1], ordered[:, :-1]

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Remove `r` tokens of `features` `[B, N, C]`, window by window."""
        windows, anchors, others = draw
        n, count = windows.shape[1], memory[STALENESS]
        tiled = features.index_select(1, windows.flatten()).reshape(-1, n, features.shape[2])
        alike = similarity.scores(tiled, tiled).mean(dim=(1, 2)).view(len(features), -1)
        often = count / count.mean(dim=1, keepdim=True).clamp_min(torch.finfo(count.dtype).tiny)
        score = (alike + self.frequency * often[:, windows].mean(dim=2)).nan_to_num(-torch.inf)
        order = score.argsort(dim=1, descending=True, stable=True)
        src, dst = others[order], anchors[order].unsqueeze(2).expand(-1, -1, n - 1)
        reduction = Reduction.from_pairs(features.shape[1], src.flatten(1)[:, :r], dst.flatten(1)[:, :r])
        return _counted(reduction, memory)


def _counted(reduction: Reduction, memory: Memory) -> Reduction:
    """Count one more match for tokens in groups of several, destinations too, and start anew for the others."""
    memory[STALENESS].add_(1).mul_(reduction.is_merged)
    return reduction


@dataclass(frozen=True)
class Ramp:
    """Reduce less and less, by windows early and by `late` in MLPs late; leave every few steps dense.

    Attributes:
        mean: middle of the ratios, which fall along a quarter of a cosine.
        spread: how much more the first ratio is, and less the last, as a share of `mean`, in [0, 1].
        protect: number of steps from one dense step to the next, at least 2; step 0 is dense.
        switch: share of the generation that merges windows, in [0, 1].
        late: the matcher after that.
    """

    mean: float = 0.3
    spread: float = 2 / 3
    protect: int = 3
    switch: float = 0.75
    late: Matcher = AnchorMatcher()
    reuses: ClassVar[bool] = True
    skips: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name, value in (("spread", self.spread), ("switch", self.switch)):
            if not 0 <= value <= 1:
                raise SpecError(f"{name}={value!r} must be in [0, 1]: it is a share.")
        check_ratio(self.ratio)
        check_at_least("protect", self.protect, 2, "the number of steps from one dense step to the next")

    @property
    def ratio(self) -> float:
        """The first ratio."""
        return self.mean * (1 + self.spread)

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a dense step or a match and reduction in one."""
        late = step >= self.switch * steps
        if step % self.protect == 0 or (late and site.kind != "mlp"):
            return DENSE
        fall = math.cos(math.pi / 2 * step / max(1, steps - 1))
        ratio = self.mean * (1 - self.spread + 2 * self.spread * fall)
        return Plan(Phase.MATCH_REDUCE, ratio, matcher=self.late if late else None)


def sdtm(
    *,
    ratio: float = 0.3,
    spread: float = 2 / 3,
    switch: float = 0.75,
    protect: int = 3,
    new: float = 0.2,
    frequency: float = 0.05,
    window: tuple[int, ...] = (2, 2),
    sites: tuple[SiteKind, ...] = ("attn", "mlp"),
    seed: int = 0,
) -> Method:
    """Merge whole windows that are alike in the early steps, and similar tokens of MLPs in the late ones.

    Args:
        ratio: share of the image tokens that is removed in the middle of the generation, in [0, 1).
        spread: how much more is removed at the first step, and less at the last, as a share of `ratio`, in [0, 1].
        switch: share of the generation at which windows give way to anchors, in [0, 1].
        protect: number of steps from one dense step to the next, at least 2.
        new: weight of a merged token's new output beside its own at the last dense step, in [0, 1].
        frequency: weight of how often a window was merged already, in the choice of windows.
        window: height and width of a window, in tokens; or frames before them.
        sites: where tokens are reduced.
        seed: of the draws.
    """
    return Method(
        name="sdtm",
        paper="CVPR 2025, Fang et al.",
        similarity=Cosine("block_input"),
        matcher=WindowMatcher(window, frequency),
        scheduler=Ramp(ratio, spread, protect, switch, AnchorMatcher(window)),
        recovery=Blend(new),
        merge="mean",
        sites=sites,
        seed=seed,
    )
