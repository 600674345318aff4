"""The commands, and what a refusal looks like."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tokred.cli.analyze import analyze
from tokred.cli.bench import bench
from tokred.cli.calibrate import calibrate
from tokred.cli.check import check
from tokred.cli.compare import compare
from tokred.cli.demo import demo
from tokred.cli.estimate import estimate
from tokred.cli.listings import methods, metrics, models, plugins
from tokred.cli.new_plugin import new_plugin
from tokred.cli.tune import tune
from tokred.errors import TokredError
from tokred.extras import extra


class OneLineErrors(TyperGroup):
    """Prints a `TokredError` as one message on stderr and exits with 2; other errors are bugs and keep their trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            with extra("bench"):
                return super().invoke(ctx)
        except TokredError as error:
            typer.echo(f"tokred: {error}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    name="tokred",
    cls=OneLineErrors,
    help="Token reduction for image transformers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    demo,
    bench,
    compare,
    estimate,
    analyze,
    calibrate,
    tune,
    check,
    new_plugin,
    methods,
    models,
    metrics,
    plugins,
)
for command in COMMANDS:
    app.command()(command)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tokred {version('tokred')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Token reduction for image transformers."""
