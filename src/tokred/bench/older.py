"""Results files of earlier formats."""

from __future__ import annotations

from typing import Any

from tokred.metrics import IDENTICAL_PSNR


def upgraded(data: Any) -> Any:
    """Return the data of a results file of schema 2 as schema 3 has it, and all else as it is.

    Until then a baseline was called a rival, and samples images.
    """
    if not (isinstance(data, dict) and data.get("schema") == 2 and isinstance(data.get("rows"), list)):
        return data
    settings = data.get("settings")
    batch = settings.get("timing_batch") if isinstance(settings, dict) else None
    rows = [_row(row, batch) if isinstance(row, dict) else row for row in data["rows"]]
    dense = _renamed(data.get("dense"))
    dense = dense | {"peak_bytes": None} if isinstance(dense, dict) else dense
    return data | {"schema": 3, "dense": dense, "rows": rows, "failed": [], "pending": []}


def _row(row: dict[str, Any], batch: Any) -> dict[str, Any]:
    """Return a row with what it did not say: its seconds, which follow, and that nobody looked at memory."""
    row = _renamed(row) | _kind(row)
    speed = row.get("samples_per_second")
    seconds = batch / speed if isinstance(batch, int) and isinstance(speed, float) and speed else None
    return row | {"seconds": seconds, "peak_bytes": None, "identical": _is_dense(row)}


def _is_dense(row: dict[str, Any]) -> bool:
    """Say whether pictures are the dense ones: their PSNR is its cap. Of other outputs nothing was kept that tells."""
    try:
        return all(value == IDENTICAL_PSNR for value in row["scores"]["psnr"]["values"])
    except (KeyError, TypeError):
        return False


def _renamed(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {"samples_per_second" if name == "images_per_second" else name: value for name, value in entry.items()}


def _kind(row: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "baseline"} if row.get("kind") == "rival" else {}
