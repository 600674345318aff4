"""`tokred check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tokred.testing import Result

MARKS = {"kept": "ok", "broken": "FAILED", "expected": "expected", "kept after all": "FAILED"}


def check(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Component, or KIND:NAME where several kinds have the name.")
    ],
) -> None:
    """Check components, and the parts of methods, against what all of their kind promise; exit with 1 if one fails."""
    from tokred.testing import run_checks

    results = []
    for result in run_checks(names):
        typer.echo(_said(result))
        results.append(result)
    failed = sum(not result.passed for result in results)
    expected = sum(result.outcome == "expected" for result in results)
    typer.echo(f"{len(results)} checks: {failed} failed, {expected} failed as expected.")
    if failed:
        raise typer.Exit(1)


def _said(result: Result) -> str:
    """Say in a line what came of a check."""
    after_all = "it is expected to fail and does not; the reason was: " if result.outcome == "kept after all" else ""
    detail = f": {after_all}{result.detail}" if result.detail else ""
    return f"{MARKS[result.outcome]:<9}{result.case.examined.name} {result.case.check.name}{detail}"
