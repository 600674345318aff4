"""Over which processes a benchmark is spread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokred.bench.journal import Found, Journal
from tokred.errors import SpecError

if TYPE_CHECKING:
    from tokred.bench.spreading import Engine
    from tokred.cli.task import Options

ENGINES = ("here", "ray", "accelerate")


@dataclass(frozen=True)
class Spread:
    """How the work is spread.

    Attributes:
        engine: "here", in this process alone; "ray"; or "accelerate".
        workers: of Ray; None for its own choice.
        address: of a cluster of Ray; None for one of its own.

    Raises:
        SpecError: if there is no such engine, or it takes no workers or address.
    """

    engine: str = "here"
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise SpecError(f"--engine {self.engine} is not known. Allowed: {', '.join(ENGINES)}.")
        for name in ("workers", "address"):
            if getattr(self, name) is not None and self.engine != "ray":
                raise SpecError(f"--{name} is for --engine ray. Leave it out.")

    def over(self, options: Options) -> Engine | None:
        """Return who measures beside this process; None without others.

        Raises:
            SpecError: if what it needs is not installed.
        """
        if self.engine == "ray":
            from tokred.bench.ray_engine import RayEngine

            return RayEngine(options.source, self.workers, self.address)
        if self.engine == "accelerate":
            from tokred.bench.accelerate_engine import AccelerateEngine

            return AccelerateEngine(options.source.device)
        return None


def journal_of(out: Path, found: Found, engine: Engine | None) -> Journal:
    """Return what keeps the rows; processes that start again go on with what they had.

    Raises:
        OutputError: if the folder has results that are not to be touched.
    """
    return Journal(out, "resume" if engine and engine.restarted else found)
