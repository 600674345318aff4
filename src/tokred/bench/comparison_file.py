"""The file of comparisons."""

from __future__ import annotations

from pathlib import Path

from tokred.bench.comparison import Comparisons
from tokred.bench.json_file import read_json, write_json
from tokred.plain import read_plain


def read_comparisons(path: str | Path) -> Comparisons:
    """Read a file of comparisons.

    Raises:
        SpecError: if it cannot be read, or is not of the schema; the message says where.
    """
    data = read_json(path, "a comparisons.json that `tokred compare` wrote")
    comparisons: Comparisons = read_plain(Comparisons, data, "comparisons")
    return comparisons


def write_comparisons(comparisons: Comparisons, path: str | Path) -> None:
    """Write a file of comparisons, whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    write_json(comparisons, path)
