"""`tokred analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokred.errors import SpecError


def analyze(
    model: Annotated[str, typer.Option(metavar="NAME", help="Trained model that draws; see `tokred models`.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the page, plots and numbers; created if it does not exist.")
    ],
    steps: Annotated[int | None, typer.Option(help="Denoising steps. Default: what the model is meant for.")] = None,
    samples: Annotated[int, typer.Option(help="Generations to watch.")] = 32,
    seed: Annotated[int, typer.Option(help="Seed of the first; the next ones count up.")] = 0,
    lags: Annotated[str, typer.Option(metavar="L,L,...", help="Distances in steps that are compared.")] = "1,2,4,8",
    ratio: Annotated[float, typer.Option(help="Share of the image tokens that pairs remove.")] = 0.5,
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where the model computes.")] = "cpu",
) -> None:
    """Measure whether output similarity persists over steps, what reuse costs, and where DiTo fails; write a report."""
    import dataclasses
    import shlex

    from tokred.analysis import analyze as run
    from tokred.analysis import settings_for
    from tokred.analysis.report import write_report
    from tokred.bench.files import make_folder
    from tokred.bench.subject import check_device
    from tokred.zoo.catalog import find_model
    from tokred.zoo.load import load

    described = find_model(model)
    check_device(device)
    settings = settings_for(described, steps=steps, samples=samples, seed=seed, lags=_lags(lags), ratio=ratio)
    numbers = ["--steps", settings.steps, "--samples", samples, "--seed", seed, "--lags", lags, "--ratio", ratio]
    words = ["tokred", "analyze", "--model", model, *numbers, "--device", device, "--out", out]
    make_folder(out)
    settings = dataclasses.replace(settings, command=shlex.join(map(str, words)))
    findings = run(described, load(described, device), settings, typer.echo)
    paths = write_report(findings, out)
    typer.echo(f"Written to {out}: {', '.join(path.name for path in paths)}")


def _lags(text: str) -> list[int]:
    try:
        return [int(lag) for lag in text.split(",")]
    except ValueError:
        raise SpecError(f"lags={text!r} cannot be read. Write numbers of steps, ascending, such as 1,2,4,8.") from None
