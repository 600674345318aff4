"""Random cases: many in one test, because a test of its own costs more than most of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

SEEDS = range(200)


def every_seed(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test with each `seed` in one go; a failure says with which."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        for seed in SEEDS:
            try:
                test(seed=seed, **fixtures)
            except Exception as error:
                error.add_note(f"seed={seed}")
                raise

    signature = inspect.signature(test)
    others = [parameter for name, parameter in signature.parameters.items() if name != "seed"]
    run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
    return run
