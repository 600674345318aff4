"""`tokred bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Prompts for your pipeline: one per line, or in a .jsonl an object of arguments per line.",
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
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Height and width of the pictures that your pipeline draws.")
    ] = None,
    frames: Annotated[int | None, typer.Option(help="Frames of the videos that your pipeline makes.")] = None,
    call: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="Argument for every call of your pipeline, such as guidance_scale=3.5."
        ),
    ] = None,
    dtype: Annotated[
        str, typer.Option(metavar="NAME", help="Data type of your model: float32, bfloat16 or float16.")
    ] = "float32",
    revision: Annotated[
        str | None, typer.Option(metavar="NAME", help="Branch, tag or commit of a model on the hub.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Variant of your pipeline's files, such as fp16.")
    ] = None,
    offload: Annotated[
        str,
        typer.Option(
            metavar="none|model|group",
            help="What stays on the CPU until it is called: whole models of your pipeline, or groups of their layers.",
        ),
    ] = "none",
    batch: Annotated[int | None, typer.Option(help="Samples per call of your model.")] = None,
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
    device: Annotated[str, typer.Option(help="Where the model computes: cpu, cuda, cuda:1, mps.")] = "cpu",
    engine: Annotated[
        str,
        typer.Option(
            metavar="here|ray|accelerate",
            help="What measures: this process; Ray workers, on this machine or a cluster; or the processes that "
            "`accelerate launch` started.",
        ),
    ] = "here",
    workers: Annotated[
        int | None,
        typer.Option(help="Number of Ray workers. Default: one for each GPU, or for each CPU without a GPU."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT|auto", help="Address of a running Ray cluster. Default: this machine."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in DIR.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the files of an earlier run in DIR.")] = False,
) -> None:
    """Measure time, compute and quality of methods and baselines against the dense model, on the same seeds."""
    from tokred.cli import task
    from tokred.cli.asked import asked
    from tokred.cli.spread import Spread

    run, read = asked(context, file)
    task.run_all(run, task.found(resume, overwrite), read, Spread(engine, workers, address))
