"""The file of results."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from tokred.bench.files import replacing
from tokred.bench.result import Results
from tokred.errors import SpecError
from tokred.plain import read_plain

_LIST_OF_NUMBERS = re.compile(r'\[\n[^\[\]{}"]*\]')


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
    text = json.dumps(dataclasses.asdict(results), indent=1, allow_nan=False)
    with replacing(Path(path)) as temporary:
        temporary.write_text(_LIST_OF_NUMBERS.sub(_one_line, text) + "\n", encoding="utf-8")


def _one_line(numbers: re.Match[str]) -> str:
    return " ".join(numbers[0].split()).replace("[ ", "[").replace(" ]", "]")
