"""The command line: `tokred bench`, `tokred demo` and the other commands that `tokred --help` lists.

What a command needs is imported when it runs, so that `--help` does not wait for it.
"""

from __future__ import annotations

from tokred.cli.app import app
from tokred.cli.notices import shorten_warnings

__all__ = ["app", "main"]


def main() -> None:
    """Run the command that `sys.argv` asks for."""
    shorten_warnings()
    app(prog_name="tokred")
