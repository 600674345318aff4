"""`tokred bench`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer


def bench(
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|all", help="Trained model, see `tokred models`; or all, each into a folder of its own in DIR."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; made if it does not exist.")] = Path(
        "results"
    ),
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:key=value,...]|FILE.json",
            help="Method or baseline, or a file that Method.save wrote; can be given more than once. Without "
            "parameters: its standard runs. Without any --method: all methods and baselines that fit the model.",
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:key=value,...]",
            help="Method or baseline among them to compare the other runs with, sample by sample, as `tokred compare` "
            "does; can be given more than once.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Metric of another package to measure beside tokred's own, see `tokred metrics`; can be given more "
            "than once.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Denoising steps. Default: what the model is meant for. With --model all, of the models that draw; "
            "a classifier takes none."
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(help="Samples that each run is measured on. Default: 16 that it draws, or all test pictures."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the first sample; the next ones count up.")] = 0,
    pairs: Annotated[int, typer.Option(help="How often dense and method are timed, in turns.")] = 3,
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where the model computes.")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run whose results DIR has.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Remove the files of another run that DIR has.")
    ] = False,
) -> None:
    """Measure time, compute and quality of methods and baselines against the dense model, on the same seeds."""
    from tokred.cli.task import Options, found, run_all

    options = Options(steps, samples, seed, pairs, device, method or (), against or (), metric or ())
    run_all(model, replace(options, found=found(resume, overwrite)), out)
