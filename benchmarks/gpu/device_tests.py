"""Part `tests`: the tests that need a CUDA device."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from child import run_child
from jobs import AFTER_MODELS, Job, Options

GUESS_SECONDS = 30.0


def jobs(options: Options) -> Iterator[Job]:
    """Yield the one job; on a machine without a device its tests are skipped."""
    what = {"marker": "cuda", "device": options.device}
    yield Job("tests", what, partial(run_tests, options), guess=GUESS_SECONDS, rank=AFTER_MODELS + 1)


def run_tests(options: Options, seconds: float) -> dict[str, Any]:
    """Run pytest; one test that fails is an error."""
    command = [sys.executable, "-m", "pytest", "-m", "cuda", "-p", "no:cacheprovider", "tests/cuda"]
    tail = run_child(command, seconds, options.out / "tests" / "log.txt")
    return {"summary": tail.strip().splitlines()[-1]}
