"""The file of an analysis."""

from __future__ import annotations

import json
from pathlib import Path

from tokred.analysis.result import Analysis
from tokred.bench.plain import read_plain, write_plain
from tokred.errors import SpecError

FILE = "analysis.json"


def read_analysis(path: str | Path) -> Analysis:
    """Read an analysis file.

    Raises:
        SpecError: if it is not of the schema; the message says where.
    """
    try:
        data = json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise SpecError(f"{path} is no JSON: {error}. Name an {FILE} that `tokred analyze` wrote.") from error
    analysis: Analysis = read_plain(Analysis, data, "analysis")
    return analysis


def write_analysis(analysis: Analysis, path: str | Path) -> None:
    """Write an analysis file, whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    write_plain(analysis, Path(path))
