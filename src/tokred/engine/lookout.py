"""What is known of a generation besides the number of its steps, for schedulers that look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from tokred.engine.steps import Position
from tokred.interfaces import Looking, Match, Plan, Scheduler, Seen, SiteInfo, plan_of, watched


@dataclass
class Sight:
    """What was seen of a model in a generation.

    Attributes:
        step: the step that was looked at last; all calls of a step are planned by one look.
        seen: what was seen there.
        given: the pictures that the model was given in its first call.
        computed: the last step at which the model was called and not skipped.
        miss: see `Seen`, on the device.
    """

    step: int = -1
    seen: Seen = field(default_factory=Seen)
    given: list[torch.Tensor] = field(default_factory=list)
    computed: int = 0
    miss: torch.Tensor | None = None


class Lookout:
    """Has a scheduler plan, and watches what it asks for.

    Args:
        scheduler: plans.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.looks, self.watches = isinstance(scheduler, Looking), watched(scheduler)
        self.sight = Sight()

    def look(self, position: Position, pictures: Sequence[torch.Tensor], sight: Sight) -> None:
        """Look, at the first call of a step, where the scheduler does; the host waits for what is watched."""
        self.sight = sight
        if not self.looks or position.step == sight.step:
            return
        since = position.step - sight.computed
        change = sight.seen.change if since > 1 else 0.0
        if "change" in self.watches:
            change += _change(sight.given, pictures)
            sight.given = [picture.detach().clone() for picture in pictures]
        miss = None if sight.miss is None else sight.miss.item()
        sight.step, sight.seen = position.step, Seen(position.noise, since, change, miss)

    def plan(self, position: Position, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Have a call of a site planned."""
        step, steps = position.step, position.steps
        if not self.looks:  # as `plan_of` would, without asking at every site
            return self.scheduler.plan(step, steps, site, matches)
        return plan_of(self.scheduler, step, steps, site, matches, self.sight.seen)

    def note_computed(self, step: int) -> None:
        """Note that the model was called and not skipped."""
        self.sight.computed = step

    @torch.no_grad()
    def note_miss(self, forecast: Any, output: Any) -> None:
        """Note how far what would have been recalled is from what the model returned."""
        self.sight.miss = _apart(tree_leaves(forecast), tree_leaves(output))


@torch.no_grad()
def _change(before: Sequence[torch.Tensor], now: Sequence[torch.Tensor]) -> float:
    """Return how far apart two pictures are; 0 where there is no first one, or it was of another size."""
    if [x.shape for x in before] != [x.shape for x in now]:
        return 0.0
    return _apart(before, now).item()


def _apart(before: Sequence[Any], now: Sequence[Any]) -> torch.Tensor:
    """Return the mean absolute difference over the mean absolute value, of all numbers of several tensors."""
    pairs = [(a.float(), b.float()) for a, b in zip(before, now, strict=True) if isinstance(b, torch.Tensor)]
    differences = torch.cat([(a - b).abs().flatten() for a, b in pairs])
    return differences.mean() / torch.cat([b.abs().flatten() for _, b in pairs]).mean()
