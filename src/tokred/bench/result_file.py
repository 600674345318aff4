"""The file of results."""

from __future__ import annotations

import json
from pathlib import Path

from tokred.bench.plain import read_plain, write_plain
from tokred.bench.result import Results
from tokred.errors import SpecError


def validate(data: object) -> Results:
    """Return plain data, as `json.loads` gives it, as `Results`.

    Raises:
        SpecError: if it is not of the schema; the message says where.
    """
    results: Results = read_plain(Results, data, "results")
    return results


def read_results(path: str | Path) -> Results:
    """Read a results file.

    Raises:
        SpecError: if it is not of the schema.
    """
    try:
        data = json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise SpecError(f"{path} is no JSON: {error}. Name a results.json that `tokred bench` wrote.") from error
    return validate(data)


def write_results(results: Results, path: str | Path) -> None:
    """Write a results file, whole or not at all; a list of numbers takes one line.

    Raises:
        OutputError: if it cannot be written.
    """
    write_plain(results, Path(path))
