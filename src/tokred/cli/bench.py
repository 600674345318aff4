"""`tokred bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokred.cli.options import Address, DryRun, Engine, Overwrite, Resume, Workers, takes_models


@takes_models()
def bench(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN.yaml]",
            help="A whole benchmark as YAML or JSON, with these options as keys; options given here override it.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|all|FOLDER|HUB/NAME|timm:NAME[:FILE]|hf:NAME|MODULE:FUNCTION",
            help="Trained model, see `tokred models`, or all of them, each into a folder of its own in DIR; the folder "
            "of a pipeline, or its name on the Hugging Face hub; a model of timm, with weights of your own in a "
            ".safetensors; a vision model of transformers; or a function that returns a pipeline or module.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the results; created if it does not exist.")
    ] = Path("results"),
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
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Pictures for your vision model: a folder, with or without one for each class; one that datasets "
            "saved to disk; or an .npz of images and labels.",
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
        typer.Option(help="Samples that each run is measured on. Default: 16 drawn ones, or all test pictures."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the first sample; the next ones count up.")] = 0,
    pairs: Annotated[int, typer.Option(help="How often the dense model and the method are timed, in turns.")] = 3,
    engine: Engine = "here",
    workers: Workers = None,
    address: Address = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Measure time, compute and quality of methods and baselines against the dense model, on the same seeds."""
    from tokred.cli import task
    from tokred.cli.asked import asked
    from tokred.cli.spread import Spread

    run, read = asked(context, file)
    found, spread = task.found(resume, overwrite), Spread(engine, workers, address)
    if dry_run:
        task.say_all(run, found)
    else:
        task.run_all(run, found, read, spread)
