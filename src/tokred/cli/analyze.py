"""`tokred analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokred.cli.options import DRAWS, Steps, source_of, takes_models
from tokred.errors import SpecError


@takes_models("frames")
def analyze(
    context: typer.Context,
    model: Annotated[str, DRAWS],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the page, plots and numbers; created if it does not exist.")
    ],
    steps: Steps = None,
    samples: Annotated[int, typer.Option(help="Generations to watch.")] = 32,
    seed: Annotated[int, typer.Option(help="Seed of the first; the next ones count up.")] = 0,
    lags: Annotated[str, typer.Option(metavar="L,L,...", help="Distances in steps that are compared.")] = "1,2,4,8",
    ratio: Annotated[float, typer.Option(help="Share of the image tokens that pairs remove.")] = 0.5,
) -> None:
    """Measure whether output similarity persists over steps, what reuse costs, and where DiTo fails; write a report."""
    import dataclasses
    import shlex

    from tokred.analysis import analyze as run
    from tokred.analysis import settings_for
    from tokred.analysis.report import write_report
    from tokred.bench.files import make_folder

    distances, source = _lags(lags), source_of(context)
    subject = source.load_drawing()
    settings = settings_for(subject, steps=steps, samples=samples, seed=seed, lags=distances, ratio=ratio)
    numbers = ["--steps", settings.steps, "--samples", samples, "--seed", seed, "--lags", lags, "--ratio", ratio]
    words = ["tokred", "analyze", "--model", model, *numbers, *source.words(), "--out", out]
    make_folder(out)
    settings = dataclasses.replace(settings, command=shlex.join(map(str, words)))
    paths = write_report(run(subject, settings, typer.echo), out)
    typer.echo(f"Written to {out}: {', '.join(path.name for path in paths)}")


def _lags(text: str) -> list[int]:
    try:
        return [int(lag) for lag in text.split(",")]
    except ValueError:
        raise SpecError(f"lags={text!r} cannot be read. Write numbers of steps, ascending, such as 1,2,4,8.") from None
