"""The file of an analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokred.analysis.result import Analysis
from tokred.bench.json_file import read_json, write_json
from tokred.plain import read_plain

FILE = "analysis.json"


def read_analysis(path: str | Path) -> Analysis:
    """Read an analysis file.

    Raises:
        SpecError: if it cannot be read, or is not of the schema; the message says where.
    """
    return validate(read_json(path, f"an {FILE} that `tokred analyze` wrote"))


def validate(data: Any) -> Analysis:
    """Return plain data, as `json.loads` gives it, as an `Analysis`; files of schema 1 are read as well.

    Raises:
        SpecError: if it is not of the schema; the message says where.
    """
    analysis: Analysis = read_plain(Analysis, _upgraded(data), "analysis")
    return analysis


def write_analysis(analysis: Analysis, path: str | Path) -> None:
    """Write an analysis file, whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    write_json(analysis, path)


def _upgraded(data: Any) -> Any:
    """Return the data of a file of schema 1, where the fields of `watched` stood by themselves, as of schema 2."""
    together = ("patch", "sites", "blocks")
    if not (isinstance(data, dict) and data.get("schema") == 1 and data.keys() >= set(together)):
        return data
    rest = {name: value for name, value in data.items() if name not in together}
    return rest | {"schema": 2, "watched": {name: data[name] for name in together}}
