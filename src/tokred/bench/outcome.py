"""What comes of one contender, and who finds out: this process, or others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from tokred.bench.contender import Contender
from tokred.bench.journal import Found, Journal
from tokred.bench.measure import release_memory
from tokred.bench.measuring import Measuring, plain
from tokred.bench.result import Failed, Row
from tokred.bench.spreading import Spreading
from tokred.bench.view import Exhibit
from tokred.errors import ConflictError, OutputError


@dataclass(frozen=True)
class Outcome:
    """What was found of a contender by another process.

    Attributes:
        found: its row, or what it raised.
        exhibits: what was shown of it.
        dense_seconds: times of the dense generations beside it.
    """

    found: Row | Failed
    exhibits: tuple[Exhibit, ...] = ()
    dense_seconds: tuple[float, ...] = ()


class Engine(Spreading, Protocol):
    """Has contenders measured by other processes as well, and jobs done.

    Attributes:
        first: whether this process shows and writes what is found; false in one of several that do the same.
    """

    first: bool

    def journal(self, folder: Path, found: Found) -> Journal:
        """Return what keeps this process' rows."""
        ...

    def outcomes(
        self, contenders: Sequence[Contender], measuring: Measuring, dense: Sequence[torch.Tensor]
    ) -> Iterator[Outcome]:
        """Yield what comes of each contender, in any order.

        Args:
            contenders: what is still to be measured.
            measuring: what this process measures by; it knows the dense reference.
            dense: the dense outputs of each batch, `[B, ...]`.
        """
        ...


def attempt(measuring: Measuring, contender: Contender) -> Row | Failed:
    """Measure one contender, or say what it raised.

    Raises:
        ConflictError: if the model is patched already: it is not ours, and nothing that follows could be believed.
        OutputError: if what was found cannot be kept, and what follows would be lost.
    """
    try:
        return measuring.measure(contender)
    except (ConflictError, OutputError):
        raise
    except Exception as error:
        release_memory()
        return failed(contender, f"{type(error).__name__}: {' '.join(str(error).split())}")


def failed(contender: Contender, said: str) -> Failed:
    """Return the record of a contender that could not be measured."""
    return Failed(contender.name, plain(contender.params), contender.label, contender.kind, said)
