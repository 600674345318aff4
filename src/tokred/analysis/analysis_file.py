"""The file of an analysis."""

from __future__ import annotations

from pathlib import Path

from tokred.analysis.result import Analysis
from tokred.bench.json_file import read_json, write_json
from tokred.plain import read_plain

FILE = "analysis.json"


def read_analysis(path: str | Path) -> Analysis:
    """Read an analysis file.

    Raises:
        SpecError: if it cannot be read, or is not of the schema; the message says where.
    """
    analysis: Analysis = read_plain(Analysis, read_json(path, f"an {FILE} that `tokred analyze` wrote"), "analysis")
    return analysis


def write_analysis(analysis: Analysis, path: str | Path) -> None:
    """Write an analysis file, whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    write_json(analysis, path)
