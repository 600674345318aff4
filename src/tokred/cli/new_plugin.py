"""`tokred new-plugin`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def new_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the package, such as tokred-hello.")],
    kind: Annotated[
        str,
        typer.Option(
            metavar="similarity|matcher|scheduler|recovery|method|adapter", help="Kind of component in the package."
        ),
    ] = "method",
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where to create the package's folder.")] = Path(),
) -> None:
    """Write the package of a plugin: it installs, passes the checks of its kind, and shows in `tokred plugins`."""
    from tokred.scaffold import write_package

    known: Any = kind
    for path in write_package(name, known, folder):
        typer.echo(f"Written: {path}")
    component = name.removeprefix("tokred-").replace("-", "_")
    typer.echo(f"Next: pip install -e {folder / name}; tokred check {component}")
