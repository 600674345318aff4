"""The interface of a baseline."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from tokred.errors import UnsupportedModel


@runtime_checkable
class Baseline(Protocol):
    """Something that makes a pipeline cheaper without reducing tokens."""

    def steps(self, steps: int) -> int:
        """Return how many denoising steps to take where `steps` would be taken."""
        ...

    def applied(self, pipe: Any) -> AbstractContextManager[Any]:
        """Return a context in which `pipe` is cheaper, and after which it is as before.

        Raises:
            UnsupportedModel: on entering it, if the baseline cannot make `pipe` cheaper.
        """
        ...


@runtime_checkable
class Calibrated(Baseline, Protocol):
    """A baseline that has to learn something of a model before it is applied to it."""

    def calibrated(self, pipe: Any, generate: Callable[[], object]) -> Baseline:
        """Return the baseline with what it learns while `generate` draws with `pipe`, densely.

        The pictures should be others than those that it is measured on, in as many denoising steps.

        Raises:
            UnsupportedModel: if the baseline cannot make `pipe` cheaper.
        """
        ...


def check_denoises(pipe: Any, what: str) -> None:
    """Raise `UnsupportedModel` unless `pipe` takes denoising steps, which is what a sampler is for.

    Args:
        pipe: what a baseline is applied to.
        what: what the baseline does with the steps, such as "fewer_steps takes fewer denoising steps".
    """
    if not hasattr(pipe, "scheduler"):
        raise UnsupportedModel(
            f"{what}, and {type(pipe).__name__} takes none. Pass a diffusers pipeline: a classifier has no steps."
        )
