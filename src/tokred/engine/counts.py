"""How many tokens go in a call, where the matcher says so rather than the plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from tokred.engine.base_site import BaseSite
from tokred.engine.model_call import ModelCall
from tokred.engine.model_site import ModelSite
from tokred.engine.state import SiteState
from tokred.errors import SpecError
from tokred.interfaces import Counting, Matcher, Plan
from tokred.method import Method


class Counts:
    """Asks matchers, each once in a call; the host waits for the answer.

    Args:
        method: what is applied.
        sites: all sites at work.
    """

    def __init__(self, method: Method, sites: Sequence[BaseSite]) -> None:
        self.method = method
        self.model = next((site for site in sites if isinstance(site, ModelSite) and site.followed), None)
        self.known: dict[Matcher, int] = {}

    def begin(self, given: Any) -> None:
        """Begin a call of the model, with a picture."""
        self.known.clear()
        if self.model is not None:
            self.model.given = given

    def counted(self, plan: Plan, call: ModelCall, state_of: Callable[[ModelSite, ModelCall], SiteState]) -> Plan:
        """Return the plan with the ratio that its matcher says; 0 before the model has returned anything.

        Raises:
            SpecError: if the matcher does not say, or there is nothing that it could say it by.
        """
        matcher = plan.matcher or self.method.matcher
        if not isinstance(matcher, Counting) or self.model is None:
            raise SpecError(
                f"{self.method.scheduler} has the matcher say how many tokens go, which takes one that does, such as "
                f"UnchangedMatcher, by a signal of the model such as 'clean'. {matcher} with "
                f"signal={self.method.similarity.signal!r} does not."
            )
        if matcher not in self.known:
            state = state_of(self.model, call)
            self.known[matcher] = self._count(matcher, state, call) if state.seen else 0
        return replace(plan, ratio=self.known[matcher] / call.layout.image)

    @torch.no_grad()
    def _count(self, matcher: Counting, state: SiteState, call: ModelCall) -> int:
        assert self.model is not None
        return matcher.count(self.model.features(state, call.time), call.layout)
