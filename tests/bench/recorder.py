"""Someone who watches a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tokred.bench.result import Dense, Failed, LeftOut, Row
from tokred.bench.view import Exhibit


@dataclass
class Recorder:
    """Remembers what it was told; see `tokred.bench.View`.

    Attributes:
        order: the names of the calls, but for `generated`.
    """

    generations: int = 0
    done: list[str] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    failures: list[Failed] = field(default_factory=list)
    not_compared: Sequence[LeftOut] = ()
    reference: Any = None
    order: list[str] = field(default_factory=list)

    def left_out(self, left_out: Sequence[LeftOut]) -> None:
        self.order.append("left_out")
        self.not_compared = left_out

    def begin(self, generations: int) -> None:
        self.order.append("begin")
        self.generations = generations

    def generated(self, label: str) -> None:
        self.done.append(label)

    def dense(self, dense: Dense) -> None:
        self.order.append("dense")
        self.reference = dense

    def exhibit(self, exhibit: Exhibit) -> None:
        self.order.append("exhibit")
        self.exhibits.append(exhibit)

    def failed(self, failed: Failed) -> None:
        self.order.append("failed")
        self.failures.append(failed)

    def row(self, row: Row) -> None:
        self.order.append("row")
        self.rows.append(row)
