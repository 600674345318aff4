"""What docs/results-schema.md says of the files."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = (DOCS / "results-schema.md").read_text()


def documented(hint: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every field below the dataclass `hint`, as the docs write it."""
    for name, field in get_type_hints(hint).items():
        kind, args = get_origin(field), get_args(field)
        below, inner = {tuple: (f"{name}[]", args[:1]), dict: (f"{name}.METRIC", args[1:])}.get(kind, (name, (field,)))
        if dataclasses.is_dataclass(inner[0]):
            yield from documented(inner[0], f"{path}{below}.")
        else:
            yield path + (below if kind is tuple else name)


def first_cells(heading: str) -> list[str]:
    """Return what the first cells of the table below a heading quote."""
    return re.findall(r"^\| `([^`]+)` \|", SCHEMA.split(f"\n## {heading}\n")[1].split("\n## ")[0], re.MULTILINE)
