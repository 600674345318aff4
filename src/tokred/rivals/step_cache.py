"""A step cache: the whole model output, reused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tokred.engine.patch import Forward, PatchedForward
from tokred.engine.pipeline_steps import SchedulerSteps
from tokred.interfaces import Phase, SiteInfo
from tokred.parts.schedules import Interval
from tokred.rivals.rival import check_denoises


@dataclass(frozen=True)
class StepCache:
    """Compute every `interval`-th step and return its output at the steps between.

    Attributes:
        interval: number of steps from one computed step to the next, at least 2.
        dense_first: number of steps at the start that are all computed, at least 1.

    Raises:
        SpecError: if either is out of range.
    """

    interval: int = 2
    dense_first: int = 1

    def __post_init__(self) -> None:
        self._schedule()

    def _schedule(self) -> Interval:
        return Interval(ratio=0.0, interval=self.interval, dense_first=self.dense_first)

    def steps(self, steps: int) -> int:
        """Return `steps`: none is left out, some are not computed."""
        return steps

    @contextmanager
    def applied(self, pipe: Any) -> Iterator[None]:
        """Cache the outputs of `pipe.transformer` inside the `with` block; see `Rival`."""
        check_denoises(pipe, "step_cache reuses the output of one denoising step at the next")
        steps = SchedulerSteps(pipe)
        patch = PatchedForward(pipe.transformer, _CachedOutput(steps, self._schedule()))
        patch.install()
        try:
            yield
        finally:
            patch.restore()
            steps.detach()


class _CachedOutput:
    """Stands in for the model's forward and keeps the last computed output of each guidance branch."""

    site = SiteInfo(name="model", kind="block", depth=0, blocks=1)

    def __init__(self, steps: SchedulerSteps, schedule: Interval) -> None:
        self.steps = steps
        self.schedule = schedule
        self.outputs: dict[str, Any] = {}

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        position = self.steps.next_call()
        if position.fresh:
            self.outputs.clear()
        phase = self.schedule.plan(position.step, position.steps, self.site, ()).phase
        if phase is not Phase.REDUCE or position.branch not in self.outputs:
            self.outputs[position.branch] = forward(*args, **kwargs)
        return self.outputs[position.branch]
