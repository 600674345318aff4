"""`tokred calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokred.cli.options import DRAWS, Steps, source_of, takes_models


@takes_models()
def calibrate(
    context: typer.Context,
    model: Annotated[str, DRAWS],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Schedule file to write, in a folder that exists.")],
    threshold: Annotated[float, typer.Option(help="Pair match ratio that intervals do not fall below.")] = 0.85,
    ratio: Annotated[float, typer.Option(help="Share of the image tokens that the pairs remove.")] = 0.5,
    steps: Steps = None,
    samples: Annotated[int, typer.Option(help="Dense generations to watch.")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of the first; the next ones count up.")] = 1000,
    dense_first: Annotated[int, typer.Option(help="Dense steps at the start; the last is the first match.")] = 1,
    longest: Annotated[int, typer.Option(help="The greatest number of steps from one match to the next.")] = 8,
) -> None:
    """Watch dense generations and write at which steps pairs should be made anew; dito takes it as `schedule`."""
    from tokred.analysis import calibration
    from tokred.bench.files import check_file

    check_file(out)
    found = calibration.calibrate(
        source_of(context).load_drawing(),
        threshold=threshold,
        ratio=ratio,
        steps=steps,
        samples=samples,
        seed=seed,
        dense_first=dense_first,
        longest=longest,
    )
    calibration.write_calibration(found, out)
    matches = ", ".join(str(round(share * found.steps)) for share in found.matches)
    typer.echo(f"{found.model}, {found.steps} steps: match at steps {matches}")
    typer.echo(f"Written to {out}. Use it: --method dito:ratio={ratio:g},schedule={out}")
