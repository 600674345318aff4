"""A diffusers cache through the generations of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tokred.baselines.baseline import check_denoises
from tokred.baselines.hosting import cacheable, enabled
from tokred.engine.pipeline_steps import Followed
from tokred.errors import UnsupportedModel


class Generation:
    """Where a pipeline is in its denoising steps.

    Attributes:
        pipe: the pipeline.
        begun: whether its sampler was started since the cache was asked for.
        steps: the number of denoising steps.
    """

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        self.scheduler = pipe.scheduler
        self.begun = False
        self._begin()

    def begin(self) -> None:
        """Begin again: the sampler was started."""
        self.begun = True
        self._begin()

    def advance(self) -> None:
        """Go on: the sampler took a step."""
        self.step += 1
        self.calls = 0

    def timestep(self) -> float:
        """Return the timestep of this step, in the sampler's unit; the last one where it took them all."""
        return self.times[min(self.step, self.steps - 1)]

    def _begin(self) -> None:
        timesteps = self.scheduler.timesteps
        self.times = [0.0] if timesteps is None else [float(time) for time in timesteps.tolist()]
        self.steps, self.step, self.calls = len(self.times), 0, 0


@contextmanager
def caching(pipe: Any, name: str, config: Callable[[Generation], Any], branches: bool = True) -> Iterator[None]:
    """Enable a cache on the transformer of `pipe`, anew whenever its sampler is started; see `Baseline.applied`.

    So nothing is remembered from one generation to the next, whether it was finished or not.

    Args:
        pipe: the pipeline.
        name: of the baseline.
        config: makes the cache's configuration.
        branches: whether the cache remembers guidance branches apart, where the model is called once for each.

    Raises:
        UnsupportedModel: if the cache cannot work on this pipeline.
        ConflictError: if a cache is enabled already.
    """
    check_denoises(pipe, f"{name} remembers what was computed at other denoising steps")
    model, generation = cacheable(pipe), Generation(pipe)
    apart = branches and hasattr(model, "enable_cache")

    def called(*_: Any) -> None:
        generation.calls += 1
        if generation.calls > 1 and not apart:
            raise UnsupportedModel(
                f"{name} has one memory here, and {type(pipe).__name__} calls its model twice in a step. Use a cache "
                "that remembers guidance branches apart, such as taylor_seer, or no guidance."
            )

    with ExitStack() as stack:
        cache = stack.enter_context(ExitStack())

        def begin() -> None:
            cache.close()
            generation.begin()
            cache.enter_context(enabled(model, config(generation)))

        cache.enter_context(enabled(model, config(generation)))
        for function, then in (("set_timesteps", begin), ("step", generation.advance)):
            stack.callback(Followed(pipe.scheduler, function, then).remove)
        stack.callback(model.register_forward_pre_hook(called).remove)
        yield
