"""`tokred tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokred.cli.options import (
    DRAWS,
    Address,
    DryRun,
    Engine,
    Overwrite,
    Resume,
    Steps,
    Workers,
    source_of,
    takes_models,
)


@takes_models()
def tune(
    context: typer.Context,
    model: Annotated[str, DRAWS],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for method.json and the benchmark; created if it does not exist."),
    ],
    time: Annotated[
        float | None, typer.Option(help="Time that a generation may take over dense, such as 0.6: the best is chosen.")
    ] = None,
    psnr: Annotated[
        float | None, typer.Option(help="PSNR against dense pictures in dB, such as 35: the fastest is chosen.")
    ] = None,
    steps: Steps = None,
    candidates: Annotated[int, typer.Option(help="Methods that are tried on two samples.")] = 24,
    tuning_samples: Annotated[int, typer.Option(help="Samples that the best ones are tried on in the last round.")] = 4,
    samples: Annotated[int, typer.Option(help="Other samples that the front is benchmarked on.")] = 16,
    seed: Annotated[
        int,
        typer.Option(help="Seed of the first of those; the next ones count up. Tuning itself uses seeds from 5000."),
    ] = 0,
    pairs: Annotated[int, typer.Option(help="How often the dense model and the method are timed, in turns.")] = 3,
    engine: Engine = "here",
    workers: Workers = None,
    address: Address = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Rank schedules by recorded generations; refine the best; benchmark them on other seeds; write the best one."""
    from tokred.cli import task
    from tokred.cli.spread import Spread
    from tokred.cli.tuning import Tuning
    from tokred.tuning import Effort, Target

    effort = Effort(candidates=candidates, most=tuning_samples, samples=min(2, tuning_samples))
    spread, found = Spread(engine, workers, address), task.found(resume, overwrite)
    options = task.Options(steps, samples, seed, pairs, source_of(context), found=found, spread=spread)
    tuning = Tuning.of(Target(time, psnr), effort, options, out)
    if dry_run:
        tuning.say()
    else:
        tuning.run()
