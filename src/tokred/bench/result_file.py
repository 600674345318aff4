"""The file of results."""

from __future__ import annotations

from pathlib import Path

from tokred.bench.json_file import read_json, write_json
from tokred.bench.older import upgraded
from tokred.bench.result import Results
from tokred.plain import read_plain


def validate(data: object) -> Results:
    """Return plain data, as `json.loads` gives it, as `Results`; files of schema 2 are read as well.

    Raises:
        SpecError: if it is not of the schema; the message says where.
    """
    results: Results = read_plain(Results, upgraded(data), "results")
    return results


def read_results(path: str | Path) -> Results:
    """Read a results file.

    Raises:
        SpecError: if it cannot be read, or is not of the schema.
    """
    return validate(read_json(path, "a results.json that `tokred bench` wrote"))


def write_results(results: Results, path: str | Path) -> None:
    """Write a results file, whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    write_json(results, path)
