"""Promises of a scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from tokred.interfaces import SITE_KINDS, Match, Phase, Plan, Seen, SiteInfo, plan_of
from tokred.layout import Layout
from tokred.testing.check import Specimen, Stage, demand

LENGTHS = (1, 2, 3, 5, 8, 13, 28)
"""Numbers of denoising steps."""
LAYOUT = Layout(grids=((8, 6), (4, 4)), roles=("target", "reference"))
FEW = 0.01
"""A ratio at which no token of a tiny model is removed."""
SITES = tuple(SiteInfo(f"blocks.{depth}.{kind}", kind, depth, 3, LAYOUT) for depth in range(3) for kind in SITE_KINDS)


def scheduler_stages(specimen: Specimen) -> list[Stage]:
    """Plan a generation; there are no inputs."""
    return [Stage("plan", torch.zeros(1), _perform, per_sample=False)]


def _perform(part: Any, x: torch.Tensor, compiled: bool) -> torch.Tensor:
    """Return phase, ratio and redraw of every call, `[calls, 3]`."""
    phases = list(Phase)
    plans = [plan for steps in LENGTHS for _, _, plan in _generation(part, steps)]
    return torch.tensor([[phases.index(plan.phase), plan.ratio, plan.redraw] for plan in plans], dtype=torch.float64)


def _generation(part: Any, steps: int, seen: Seen | None = None) -> Iterator[tuple[int, SiteInfo, Plan]]:
    """Yield every plan of a generation, told of the earlier matches, and of what else is seen, as the engine does."""
    matches: list[Match] = []
    asked = part.plan if seen is None else partial(plan_of, part, seen=seen)
    for step in range(steps):
        plans = [asked(step, steps, site, tuple(matches)) for site in SITES]
        for site, plan in zip(SITES, plans, strict=True):
            yield step, site, plan
        if any(plan.phase.matches for plan in plans):
            again = bool(matches) and not any(plan.redraw for plan in plans)
            matches.append(Match(step, 0.7 if again else None))


def shortest_reducing(part: Any) -> int:
    """Return the least of some numbers of steps in which a site reduces; the greatest of them if none does."""
    for steps in LENGTHS:
        if any(plan.phase.reduces and plan.ratio > FEW for _, _, plan in _generation(part, steps)):
            return steps
    return LENGTHS[-1]


def plans_keep_to_what_is_declared(specimen: Specimen) -> None:
    """Every plan's ratio is in [0, `ratio`], no site reduces before it matched, and `reuses` says if pairs are kept."""
    part = specimen.make()
    demand(0 <= part.ratio <= 1, f"its ratio is {part.ratio}, not in [0, 1].")
    falling = [Seen(tuple(1 - step / max(steps - 1, 1) for step in range(steps))) for steps in LENGTHS]
    for steps, seen in [*((steps, None) for steps in LENGTHS), *zip(LENGTHS, falling, strict=True)]:
        matched: set[str] = set()
        for step, site, plan in _generation(specimen.make(), steps, seen):
            what = f"step {step} of {steps}, {site.name}{', noise known' if seen else ''}"
            demand(isinstance(plan, Plan), f"{what}: it planned {plan!r}, which is not a tokred.Plan.")
            within = 0 <= plan.ratio <= part.ratio or (part.skips and plan.ratio == 1)
            demand(within, f"{what}: it planned ratio {plan.ratio}, and declares at most {part.ratio}.")
            reused = plan.phase in (Phase.MATCH, Phase.REDUCE)
            demand(part.reuses or not reused, f"{what}: it planned {plan.phase}, and reuses={part.reuses}.")
            matched |= {site.name} if plan.phase.matches else set()
            early = plan.phase is Phase.REDUCE and 0 < plan.ratio < 1 and site.name not in matched
            demand(not early, f"{what}: it planned to reduce before the site has matched.")
