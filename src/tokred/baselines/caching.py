"""A cache through the generations of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from torch import nn

from tokred.baselines.baseline import check_denoises
from tokred.baselines.hosting import cacheable, enabled
from tokred.engine.pipeline_steps import Followed
from tokred.errors import UnsupportedModel

TOO_MANY = {1: ("one memory", "twice"), 2: ("two memories", "three times")}
"""What a cache has, and what is more than that."""


class Generation:
    """Where a pipeline is in its denoising steps.

    Attributes:
        pipe: the pipeline.
        begun: whether its sampler was started since the cache was asked for.
        steps: the number of denoising steps.
        calls: of the model, in this step.
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
    """Enable a cache of diffusers on the transformer of `pipe`, as `renewed` does.

    Args:
        pipe: the pipeline.
        name: of the baseline.
        config: makes the cache's configuration.
        branches: whether the cache remembers guidance branches apart, where the model is called once for each.
    """
    model, generation = model_and_generation(pipe, name)
    apart = branches and hasattr(model, "enable_cache")
    with renewed(model, generation, name, lambda: enabled(model, config(generation)), None if apart else 1):
        yield


def model_and_generation(pipe: Any, name: str) -> tuple[nn.Module, Generation]:
    """Return the transformer of `pipe`, and where it is in its denoising steps.

    Raises:
        UnsupportedModel: if it takes no denoising steps, or has no transformer.
        ConflictError: if a cache is enabled already.
    """
    check_denoises(pipe, f"{name} remembers what was computed at other denoising steps")
    return cacheable(pipe), Generation(pipe)


@contextmanager
def renewed(
    model: nn.Module,
    generation: Generation,
    name: str,
    enable: Callable[[], AbstractContextManager[None]],
    memories: int | None,
) -> Iterator[None]:
    """Enable a cache on the transformer of a pipeline, anew whenever its sampler is started; see `Baseline.applied`.

    So nothing is remembered from one generation to the next, whether it was finished or not.

    Args:
        model: the transformer.
        generation: of the pipeline.
        name: of the baseline.
        enable: enables the cache.
        memories: for how many calls in a step it has one each; None for all there are.

    Raises:
        UnsupportedModel: if the cache cannot work on this pipeline.
    """

    def called(*_: Any) -> None:
        generation.calls += 1
        if memories is not None and generation.calls > memories:
            have, times = TOO_MANY[memories]
            raise UnsupportedModel(
                f"{name} has {have} here, and {type(generation.pipe).__name__} calls its model {times} in a step. Use "
                "a cache that remembers guidance branches apart, such as taylor_seer, or no guidance."
            )

    with ExitStack() as stack:
        cache = stack.enter_context(ExitStack())

        def begin() -> None:
            cache.close()
            generation.begin()
            cache.enter_context(enable())

        cache.enter_context(enable())
        for function, then in (("set_timesteps", begin), ("step", generation.advance)):
            stack.callback(Followed(generation.scheduler, function, then).remove)
        stack.callback(model.register_forward_pre_hook(called).remove)
        yield
