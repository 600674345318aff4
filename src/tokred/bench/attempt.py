"""What comes of a contender that may raise an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tokred.bench.contender import Contender
from tokred.bench.measure import release_memory
from tokred.bench.measuring import plain
from tokred.bench.result import Failed
from tokred.errors import ConflictError, OutputError

Found = TypeVar("Found")


def attempt(contender: Contender, measure: Callable[[], Found]) -> Found | Failed:
    """Return what is found of a contender, or say what it raised.

    Raises:
        ConflictError: if the model is patched already: it is not ours, and nothing that follows could be believed.
        OutputError: if what was found cannot be kept, and what follows would be lost.
    """
    try:
        return measure()
    except (ConflictError, OutputError):
        raise
    except Exception as error:
        release_memory()
        return failed(contender, f"{type(error).__name__}: {' '.join(str(error).split())}")


def failed(contender: Contender, said: str) -> Failed:
    """Return the record of a contender that could not be measured."""
    return Failed(contender.name, plain(contender.params), contender.label, contender.kind, said)
