"""JSON files that hold a dataclass, all of it and nothing else."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from tokred.bench.files import replacing
from tokred.errors import SpecError

_LIST_OF_NUMBERS = re.compile(r'\[\n[^\[\]{}"]*\]')


def read_json(path: str | Path, written_by: str) -> Any:
    """Return what a file holds, as plain data.

    Args:
        path: of the file.
        written_by: how messages call the file that is wanted, such as "a results.json that `tokred bench` wrote".

    Raises:
        SpecError: if it cannot be read or is not valid JSON.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}. Name {written_by}.") from error
    except ValueError as error:
        raise SpecError(f"{path} is not valid JSON: {error}. Name {written_by}.") from error


def write_json(record: Any, path: str | Path) -> None:
    """Write a dataclass, whole or not at all; a list of numbers takes one line.

    Raises:
        OutputError: if it cannot be written.
    """
    text = json.dumps(dataclasses.asdict(record), indent=1, allow_nan=False)
    with replacing(Path(path)) as temporary:
        temporary.write_text(_LIST_OF_NUMBERS.sub(_one_line, text) + "\n", encoding="utf-8")


def _one_line(numbers: re.Match[str]) -> str:
    return " ".join(numbers[0].split()).replace("[ ", "[").replace(" ]", "]")
