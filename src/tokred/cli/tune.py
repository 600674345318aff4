"""`tokred tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def tune(
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|FOLDER|HUB/NAME|MODULE:FUNCTION",
            help="Trained model that draws, see `tokred models`; or your own pipeline, as for `tokred bench`.",
        ),
    ],
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
    prompts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Prompts for your pipeline; see `tokred bench`.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Height and width of the pictures that your pipeline draws.")
    ] = None,
    call: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Argument for every call of your pipeline.")
    ] = None,
    dtype: Annotated[
        str, typer.Option(metavar="NAME", help="Data type of your model: float32, bfloat16 or float16.")
    ] = "float32",
    batch: Annotated[int | None, typer.Option(help="Samples per call of your model.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps. Default: what the model is meant for.")] = None,
    candidates: Annotated[int, typer.Option(help="Methods that are tried on two samples.")] = 24,
    tuning_samples: Annotated[int, typer.Option(help="Samples that the best ones are tried on in the last round.")] = 4,
    samples: Annotated[int, typer.Option(help="Other samples that the front is benchmarked on.")] = 16,
    seed: Annotated[
        int,
        typer.Option(help="Seed of the first of those; the next ones count up. Tuning itself uses seeds from 5000."),
    ] = 0,
    pairs: Annotated[int, typer.Option(help="How often the dense model and the method are timed, in turns.")] = 3,
    device: Annotated[str, typer.Option(help="Where the model computes: cpu, cuda, cuda:1, mps.")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in DIR.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the files of an earlier run in DIR.")] = False,
) -> None:
    """Rank schedules by recorded generations; refine the best; benchmark them on other seeds; write the best one."""
    from tokred.bench.sources import Source
    from tokred.cli import task
    from tokred.cli.tuning import Tuning
    from tokred.tuning import Effort, Target

    effort = Effort(candidates=candidates, most=tuning_samples, samples=min(2, tuning_samples))
    source = Source(
        model=model,
        device=device,
        dtype=dtype,
        prompts=prompts,
        size=task.size(size),
        call=task.call(call or ()),
        batch=batch,
    )
    options = task.Options(steps, samples, seed, pairs, source, found=task.found(resume, overwrite))
    Tuning.of(Target(time, psnr), effort, options, out).run()
