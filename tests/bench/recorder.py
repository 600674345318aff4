"""Someone who watches a benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field

from tokred.bench.result import Row
from tokred.bench.view import Exhibit


@dataclass
class Recorder:
    """Remembers what it was told; see `tokred.bench.View`."""

    generations: int = 0
    done: list[str] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def begin(self, generations: int) -> None:
        self.generations = generations

    def generated(self, label: str) -> None:
        self.done.append(label)

    def exhibit(self, exhibit: Exhibit) -> None:
        self.exhibits.append(exhibit)

    def row(self, row: Row) -> None:
        self.rows.append(row)
