"""Dense generations, as far as a ranking of schedules needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import torch

from tokred.bench import Subject
from tokred.bench.spreading import Engine, Here
from tokred.engine.noise import noise_shares
from tokred.errors import SpecError


@dataclass(frozen=True)
class Recording:
    """Dense generations of a few pictures.

    What a schedule misses is a sum of outputs, so that its size follows from their inner products alone.

    Attributes:
        pictures: `[P, 3, H, W]` in [0, 1].
        products: inner products of the outputs of each two steps, `[P, n, n]`, float64.
        shares: the share of noise at each step, `[n]`, float64, in [0, 1].
    """

    pictures: torch.Tensor
    products: torch.Tensor
    shares: torch.Tensor

    @property
    def steps(self) -> int:
        """How many denoising steps there are."""
        return len(self.shares)


def record(subject: Subject, seeds: Sequence[int], steps: int, engine: Engine | None = None) -> Recording:
    """Draw a dense picture of each seed, and keep what its sampler was given.

    Of samplers that call the model several times a step, the first call of each is taken.

    Raises:
        SpecError: if the subject has no scheduler that is asked for every step.
    """
    made = dict((engine or Here()).each(_recorded, [(seed, steps) for seed in seeds], subject))
    pictures, products, shares = zip(*(made[place] for place in range(len(seeds))), strict=True)
    return Recording(torch.cat(pictures), torch.stack(products), shares[-1])


def _recorded(subject: Subject, asked: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the picture of one seed, the products of its outputs and the shares of noise."""
    seed, steps = asked
    scheduler = getattr(subject.model, "scheduler", None)
    outputs: list[torch.Tensor] = []
    with _watched(scheduler, outputs.append):
        picture = subject.generate([seed], steps)
    if not outputs:
        raise SpecError(
            f"{subject.name} has no diffusers scheduler that makes its steps, and schedules are searched by what "
            "that is given. Measure some by `tokred bench` instead."
        )
    calls = -(-len(outputs) // steps)
    flat = torch.stack(outputs[::calls]).flatten(1).double()
    return picture, (flat @ flat.T).cpu(), _shares(scheduler, len(outputs))[::calls]


@contextmanager
def _watched(scheduler: Any, see: Callable[[torch.Tensor], None]) -> Iterator[None]:
    """Have every output that the scheduler is given seen; guidance has been applied to it."""
    if scheduler is None:
        yield
        return
    original = scheduler.step

    @wraps(original)
    def step(model_output: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        see(model_output.detach().clone())
        return original(model_output, *args, **kwargs)

    scheduler.step = step
    try:
        yield
    finally:
        del scheduler.step


def _shares(scheduler: Any, calls: int) -> torch.Tensor:
    """Return the shares of noise of the scheduler's last calls; where they cannot be read, they fall evenly."""
    shares = noise_shares(scheduler)[: len(scheduler.timesteps)][-calls:]
    return torch.tensor(shares or [1 - call / calls for call in range(calls)], dtype=torch.float64)
