"""`tokred compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The results.json of a benchmark.")],
    against: Annotated[
        list[str],
        typer.Option(
            metavar="NAME[:key=value,...]",
            help="Method or baseline to compare the other runs with, or those of its runs that have these parameters; "
            "can be given more than once.",
        ),
    ],
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="What is compared. Default: PSNR, or top-1 of a classifier.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for comparisons.json and the picture; created if it does not exist. Default: none.",
        ),
    ] = None,
) -> None:
    """Compare the runs of a benchmark with a method, sample by sample: at equal compute and at equal time."""
    from rich.console import Console

    from tokred.bench import compare_runs, find_metric, parse_references, read_results
    from tokred.bench.files import make_folder
    from tokred.cli.gains import print_gains, write_all

    results, references = read_results(file), parse_references(against)
    measured = find_metric(results, metric)
    comparisons = compare_runs(results, references, measured)
    if out:
        make_folder(out)
    print_gains(comparisons, measured, Console())
    if out:
        paths = write_all(comparisons, measured, out)
        typer.echo(f"Written to {out}: {', '.join(path.name for path in paths)}")
