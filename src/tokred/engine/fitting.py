"""What of a scheduler's plan a call allows."""

from __future__ import annotations

from dataclasses import replace

from tokred.engine.ledger import Ledger
from tokred.engine.state import SiteState
from tokred.errors import SpecError
from tokred.interfaces import DENSE, Phase, Plan, SiteKind
from tokred.method import Method


class PlanFitter:
    """Adapts plans to what a call allows, and says so.

    Args:
        method: whose scheduler plans.
        ledger: is told of what cannot be done as planned.
    """

    def __init__(self, method: Method, ledger: Ledger) -> None:
        self.method = method
        self.ledger = ledger

    def fit(self, plan: Plan, state: SiteState, kind: SiteKind) -> Plan:
        """Return what a site of a kind does, of a plan for it."""
        if plan is DENSE:
            return plan
        if plan.phase.matches:
            plan = self._known(plan, kind)
        removed = round(plan.ratio * state.layout.image)
        if plan.phase is Phase.DENSE or (removed == 0 and plan.ratio < 1):
            if plan.ratio:
                none = f"{plan.ratio:g} of {state.layout.image} tokens rounds to none: such sites ran dense"
                self.ledger.notes[none] = None
            return DENSE
        if plan.ratio == 1 or kind == "model":
            return replace(plan, phase=Phase.REDUCE) if plan.phase.reduces and state.seen else DENSE
        if plan.phase is Phase.REDUCE:
            if state.matched:
                return plan
            plan = replace(plan, phase=Phase.MATCH)  # a branch, batch or layout that the last match had not seen
        if not self._can_remove(removed, plan, state) or (not state.seen and self._needs_past(plan)):
            return DENSE  # or there is no dense call yet to compare with, or to recall
        return plan

    def _can_remove(self, removed: int, plan: Plan, state: SiteState) -> bool:
        """Say whether a match can remove so many tokens; warn where it cannot."""
        matcher = plan.matcher or self.method.matcher
        capacity = matcher.capacity(state.layout)
        if removed > capacity:
            self.ledger.warn(
                f"{removed} of {state.layout.image} tokens should be removed, and {matcher} can remove "
                f"{capacity} on a grid of {state.layout.shown}: the sites run "
                "dense. Use a smaller stride or ratio"
            )
        return removed <= capacity

    def _needs_past(self, plan: Plan) -> bool:
        return self.method.similarity.signal.needs_past or (plan.phase.reduces and self.method.remembers)

    def _known(self, plan: Plan, kind: SiteKind) -> Plan:
        """Turn an oracle's plan into an ordinary one where the signal is known anyway; refuse to match before it is."""
        signal = self.method.similarity.signal
        if plan.phase is Phase.ORACLE and signal.known_before(kind):
            return replace(plan, phase=Phase.MATCH_REDUCE)
        if plan.phase is Phase.MATCH_REDUCE and not signal.known_before(kind):
            raise SpecError(
                f"signal={signal!r} is known only after a site has run, and {self.method.scheduler} plans to match and "
                f"reduce {kind!r} sites in one call. Plan Phase.MATCH and Phase.REDUCE, or Phase.ORACLE."
            )
        return plan
