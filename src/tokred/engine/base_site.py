"""What all sites have, whatever they do."""

from __future__ import annotations

import torch

from tokred.adapter import SiteSpec
from tokred.engine.arguments import argument_names
from tokred.engine.sharing import MatchGroup
from tokred.engine.state import MatchState, SiteState
from tokred.engine.taps import Held
from tokred.interfaces import DENSE, MemorySpec, Plan, SiteInfo
from tokred.layout import Layout
from tokred.method import Method


class BaseSite:
    """Where a site is, what the next call does there, and what is remembered from call to call.

    Args:
        spec: where the site is.
        info: the same, as the method's parts are told.
        method: what it does.
        group: it shares its correspondences with the other sites of this group.
        held: takes features from inside the block, where the method compares those.
    """

    def __init__(self, spec: SiteSpec, info: SiteInfo, method: Method, group: MatchGroup, held: Held | None) -> None:
        self.spec = spec
        self.info = info
        self.method = method
        self.group = group
        self.held = held
        self.names = argument_names(spec.module)
        self.time = torch.zeros(())
        self.states: dict[str, SiteState] = {}

    def memory_specs(self, batch: int, layout: Layout) -> dict[str, MemorySpec]:
        """Declare all that is remembered of outputs of `batch` samples of `layout`, by what of; by default nothing."""
        return {}

    def prepare(self, plan: Plan, state: SiteState, time: torch.Tensor, makes: bool = False) -> None:
        """Set what the next call does, before the model is called; `makes` says whether this site makes the match."""
        self.reducing = plan.phase.reduces
        self.state, self.time = state, time
        self.called = False

    def rest(self) -> None:
        """Make the next call the original one and forget every state."""
        self.states.clear()
        self.group.states.clear()
        self.prepare(DENSE, SiteState(0, Layout(()), MatchState(0, Layout(()))), self.time)
