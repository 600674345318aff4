"""Matchers with trained weights fit some models only."""

from __future__ import annotations

from collections.abc import Sequence

from tokred.errors import SpecError
from tokred.family.site import SiteSpec
from tokred.interfaces import Matcher, SiteInfo, Trained
from tokred.method import Method

STEPS = 50
"""Of a generation that is planned to see which matchers there are."""


def refuse_misfits(specs: Sequence[SiteSpec], chosen: Sequence[SiteSpec], method: Method) -> None:
    """Raise `SpecError` where the scheduler cannot plan for this model, or a matcher was trained on other tokens.

    Args:
        specs: all sites of the model.
        chosen: those that the method is applied to.
        method: the method.
    """
    blocks = 1 + max(spec.depth for spec in specs)
    for spec in chosen:
        _refuse_width(method.matcher, spec, method)
        plan = method.scheduler.plan(0, STEPS, SiteInfo(spec.name, spec.kind, spec.depth, blocks), ())
        _refuse_width(plan.matcher, spec, method)


def _refuse_width(matcher: Matcher | None, spec: SiteSpec, method: Method) -> None:
    if not isinstance(matcher, Trained) or not method.similarity.signal.of_tokens:
        return
    if matcher.width != spec.width:
        raise SpecError(
            f"{method.name} was trained on tokens of {matcher.width} channels, and those at {spec.name} have "
            f"{spec.width or 'an unknown number'}. Give it weights that were trained on this model: {matcher}."
        )
