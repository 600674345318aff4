"""What there is to do, in pieces that are recorded one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    Attributes:
        device: "cuda" or "cpu".
        sizes: "full", the published models; "tiny", the same classes with hardly any weights.
        out: folder for the records.
        data: folder with the arrays of the zoo's models; None where there is none.
    """

    device: Literal["cuda", "cpu"]
    sizes: Literal["full", "tiny"]
    out: Path
    data: Path | None = None


@dataclass(frozen=True)
class Job:
    """One piece of work, with a record of its own.

    Attributes:
        part: the part that it belongs to.
        what: tells it apart from all other jobs of the part, now and in later calls; plain data.
        run: does it and returns the results, plain data; is told how many seconds are left.
        like: jobs of a part that are alike in this take times that follow from each other's.
        size: the time grows at most with its square; the number of tokens, say.
        guess: seconds that it is expected to take while nothing like it has been done.
        rank: the lower, the earlier it is done, whatever its part.
    """

    part: str
    what: Mapping[str, Any]
    run: Callable[[float], dict[str, Any]]
    like: str = ""
    size: float = 1.0
    guess: float = 0.0
    rank: int = 0

    def __str__(self) -> str:
        return " ".join([self.part, *map(str, self.what.values())])


AFTER_MODELS = 100
"""The rank of what comes after every model at its own size, eager and compiled."""


class LeftOut(Exception):
    """A part has nothing to do on this machine; says why."""


class Unfinished(Exception):
    """Time ran out; a later call goes on or begins anew. Says how far the job came."""
