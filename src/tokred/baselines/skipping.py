"""Baselines that call the model at some steps, and make its output of earlier ones at the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from tokred.baselines.caching import Generation, model_and_generation
from tokred.engine.patch import PatchedForward
from tokred.engine.pipeline_steps import Followed
from tokred.interfaces import Forward


@dataclass(frozen=True)
class Output:
    """What the model returned at a step, or would have.

    Attributes:
        place: where the step is, by the sampler's own time, from 1 at the first to -1 at the last.
        value: the output.
        computed: whether the model was called.
    """

    place: float
    value: torch.Tensor
    computed: bool


Predict = Callable[[Sequence[Output], float], torch.Tensor]
"""Makes the output at a place of those before it, the first of which was computed."""


@dataclass(frozen=True)
class EveryFew:
    """Which steps are computed: the first ones, and one in so many after them.

    Attributes:
        interval: steps from one computed step to the next.
        dense_first: computed steps at the start.
    """

    interval: int
    dense_first: int

    def computes(self, step: int) -> bool:
        """Say whether a step is computed."""
        return step < self.dense_first or (step - self.dense_first + 1) % self.interval == 0


@contextmanager
def skipping(pipe: Any, name: str, steps: EveryFew, predict: Predict) -> Iterator[None]:
    """Skip the transformer of `pipe` at the other steps, with a memory for each of its calls in a step.

    Args:
        pipe: the pipeline.
        name: of the baseline.
        steps: which are computed.
        predict: makes the output where it is skipped.

    Raises:
        UnsupportedModel: if the pipeline takes no denoising steps, or has no transformer.
        ConflictError: if a cache is enabled already.
    """
    model, generation = model_and_generation(pipe, name)
    known: dict[int, list[Output]] = {}

    def around(forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        seen, place = known.setdefault(generation.calls, []), _place(generation)
        generation.calls += 1
        if not seen or steps.computes(generation.step):
            result = forward(*args, **kwargs)
            (value, *_), trees[0] = tree_flatten(result)
            seen.append(Output(place, value.clone(), computed=True))
            return result
        seen.append(Output(place, predict(seen, place), computed=False))
        return tree_unflatten([seen[-1].value.clone()], trees[0])

    def begin() -> None:
        known.clear()
        generation.begin()

    trees: list[Any] = [None]
    patch = PatchedForward(model, around)
    patch.install()
    with ExitStack() as stack:
        stack.callback(patch.restore)
        for function, then in (("set_timesteps", begin), ("step", generation.advance)):
            stack.callback(Followed(pipe.scheduler, function, then).remove)
        yield


def _place(generation: Generation) -> float:
    """Return where a generation is, from 1 at its first step to -1 at its last; 1 where there is only one."""
    first, last = generation.times[0], generation.times[-1]
    return 2 * (generation.timestep() - last) / (first - last) - 1 if first != last else 1.0
