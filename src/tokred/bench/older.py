"""Results files of earlier formats."""

from __future__ import annotations

from typing import Any


def upgraded(data: Any) -> Any:
    """Return the data of a results file of schema 2 as schema 3 has it, and all else as it is.

    Until schema 3 a baseline was called a rival, and samples images.
    """
    if not (isinstance(data, dict) and data.get("schema") == 2 and isinstance(data.get("rows"), list)):
        return data
    rows = [_renamed(row) | _kind(row) if isinstance(row, dict) else row for row in data["rows"]]
    return data | {"schema": 3, "dense": _renamed(data.get("dense")), "rows": rows}


def _renamed(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {"samples_per_second" if name == "images_per_second" else name: value for name, value in entry.items()}


def _kind(row: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "baseline"} if row.get("kind") == "rival" else {}
