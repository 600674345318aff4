"""The command line: `tokred bench`, `tokred demo` and the other commands that `tokred --help` lists.

What a command needs is imported when it runs, so that `--help` does not wait for it.
"""

from __future__ import annotations

import sys

from tokred.cli.notices import shorten_warnings
from tokred.errors import MissingPackage
from tokred.extras import extra

__all__ = ["main"]


def main() -> None:
    """Run the command that `sys.argv` asks for."""
    shorten_warnings()
    try:
        with extra("cli"):
            from tokred.cli.app import app
    except MissingPackage as error:
        print(f"tokred: {error}", file=sys.stderr)
        sys.exit(2)
    app(prog_name="tokred")
