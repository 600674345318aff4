"""Which sites share one match."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import torch

from tokred.engine.state import MatchState
from tokred.family.signature import Rows
from tokred.family.site import SiteSpec
from tokred.layout import Layout


class MatchGroup:
    """Sites that share one match: the first of them that matches in a call makes it for all.

    Args:
        sites: one or several.

    Attributes:
        taken: what one of several gathered in this call of the model for all, see `RowIndex`.
    """

    def __init__(self, sites: Sequence[SiteSpec]) -> None:
        self.names = [site.name for site in sites]
        self.per_sample = all(site.per_sample for site in sites)
        self.states: dict[str, MatchState] = {}
        self.taken: dict[tuple[int, Rows], tuple[torch.Tensor, torch.Tensor]] | None = {} if len(sites) > 1 else None

    def state(self, branch: str, batch: int, layout: Layout) -> MatchState:
        """Return the match of a branch; a new one where the last was for another batch or layout."""
        state = self.states.get(branch)
        if state is None or state.shape != (batch, layout):
            state = self.states[branch] = MatchState((batch, layout))
        return state

    def rows(self, batch: int) -> int:
        """Return how many samples have correspondences of their own."""
        return batch if self.per_sample else min(batch, 1)


def match_groups(specs: Sequence[SiteSpec], chosen: Sequence[SiteSpec], share: int) -> list[MatchGroup]:
    """Return the group of each chosen site; see `Method.share`.

    Args:
        specs: every site of the model.
        chosen: those where tokens are reduced.
        share: number of neighbouring blocks of one type and size that make a group; 0 for a group per site.
    """
    if not share:
        return [MatchGroup([site]) for site in chosen]
    ranges = _ranges(specs, share)
    keys = [("model" if site.kind == "model" else ranges[site.depth]) for site in chosen]
    members: dict[Hashable, list[SiteSpec]] = defaultdict(list)
    for key, site in zip(keys, chosen, strict=True):
        members[key].append(site)
    groups = {key: MatchGroup(sites) for key, sites in members.items()}
    return [groups[key] for key in keys]


def _ranges(specs: Sequence[SiteSpec], share: int) -> dict[int, Hashable]:
    """Return, for the depth of each block, its type and size, and in which range of `share` such blocks it is."""
    types: dict[int, Hashable] = {site.depth: (object, site.scale) for site in specs}
    types |= {site.depth: (type(site.module), site.scale) for site in specs if site.kind == "block"}
    seen: Counter[Hashable] = Counter()
    ranges: dict[int, Hashable] = {}
    for depth, kind in sorted(types.items()):
        ranges[depth] = kind, seen[kind] // share
        seen[kind] += 1
    return ranges
