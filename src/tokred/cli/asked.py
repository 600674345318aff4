"""What a command is asked for: by a file, by its options, or by both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from tokred.bench.run_file import RunFile, check_place, read_values
from tokred.cli.options import call

KEYS = {"method": "methods", "metric": "metrics"}
"""Options that a file calls otherwise, since it holds all of them in a list."""

NO_KEYS = ("file", "dry_run", "resume", "overwrite", "engine", "workers", "address")
"""Parameters of the command that no file says: they change nothing of what is measured."""


def asked(context: typer.Context, file: Path | None) -> tuple[RunFile, Path | None]:
    """Return the run that the options and a file describe; an option that was given takes the place of the file's.

    Raises:
        SpecError: if the file or an option is wrong, or no model is named.
        OutputError: if the file that is written would take the place of the one that was read.
    """
    given = {KEYS.get(name, name): value for name, value in context.params.items() if _was_given(context, name)}
    changes = {key: value for key, value in given.items() if key not in NO_KEYS}
    run = RunFile.of((read_values(file) if file else {}) | _plain(changes), str(file or "the command"))
    check_place(run, file, bool(changes))
    return run, file


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Return options as a file would say them."""
    plain = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
    return plain | ({"call": call(plain["call"])} if "call" in plain else {})
