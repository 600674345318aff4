"""What the records say, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from records import Record

TIMED = ("speed", "compile")
WHAT = ("model", "pixels", "tokens", "how", "method")
HEADER = (*WHAT, "dense ms", "match ms", "reduced ms", "compute", "speedup", "GiB")
LONGEST_ERROR = 160


def summary(records: Sequence[Record], remain: Sequence[str], left_out: Mapping[str, str]) -> str:
    """Write what was measured, what failed, what was left out and what remains."""
    measured = [record for record in records if record.part in TIMED and record.result]
    dense = {_place(record): record for record in measured if record.what["method"] == "dense"}
    rows = [_row(record, dense.get(_place(record))) for record in measured]
    lines = _table([HEADER, *rows]) if rows else []
    others = [record for record in records if record.part not in TIMED and record.result]
    lines += [f"{_name(record)}: {record.result}" for record in others]
    lines += [f"failed: {_name(r)}: {r.error[:LONGEST_ERROR].splitlines()[0]}" for r in records if r.error]
    lines += [f"left out: {part}: {why}" for part, why in left_out.items()]
    lines += [f"remains: {job}" for job in remain]
    lines.append(f"{len(remain)} remain: call the same command again." if remain else "Nothing remains.")
    return "\n".join(lines)


def _row(record: Record, dense: Record | None) -> tuple[str, ...]:
    """Write a measurement as a row; the speedup is that of a whole generation."""
    what, result = record.what, record.result or {}
    beside = (dense.result or {}) if dense else {}
    unplanned = f" ({result['unplanned']} unplanned)" if result["unplanned"] else ""
    return (
        what["model"],
        str(what["pixels"]),
        str(result["tokens"]),
        what["how"],
        what["method"] + unplanned,
        _median(beside, "dense"),
        _median(result, "match"),
        _median(result, "reduce") or _median(result, "match+reduce"),
        f"{result['compute']:.2f}",
        f"{beside['generation_ms'] / result['generation_ms']:.2f}" if beside else "",
        f"{result['peak_bytes'] / 2**30:.1f}" if result["peak_bytes"] else "",
    )


def _place(record: Record) -> str:
    """Return what a measurement has in common with its dense one."""
    return str({key: value for key, value in record.what.items() if key != "method"})


def _median(result: Mapping[str, Any], phase: str) -> str:
    ms = result.get("ms", {})
    return f"{ms[phase]['median']:.2f}" if phase in ms else ""


def _name(record: Record) -> str:
    return " ".join([record.part, *map(str, record.what.values())])


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in rows]
