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
            help="Trained model that draws, see `tokred models`; or a pipeline of yours, as `tokred bench` takes it.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for method.json and the benchmark; made if not there.")
    ],
    time: Annotated[
        float | None, typer.Option(help="Time that a generation may take over dense, such as 0.6: the best is chosen.")
    ] = None,
    psnr: Annotated[
        float | None, typer.Option(help="PSNR against dense pictures in dB, such as 35: the fastest is chosen.")
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What your pipeline is asked for; see `tokred bench`.")
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="HxW", help="Height and width that your pipeline draws.")] = None,
    call: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Argument of every call of your pipeline.")
    ] = None,
    dtype: Annotated[str, typer.Option(metavar="NAME", help="Of your model: float32, bfloat16, float16.")] = "float32",
    batch: Annotated[int | None, typer.Option(help="Samples that go through your model at once.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps. Default: what the model is meant for.")] = None,
    candidates: Annotated[int, typer.Option(help="Methods that are tried on two samples.")] = 24,
    tuning_samples: Annotated[int, typer.Option(help="Samples that the best of them are tried on at last.")] = 4,
    samples: Annotated[int, typer.Option(help="Other samples that the front is benchmarked on.")] = 16,
    seed: Annotated[
        int, typer.Option(help="Seed of the first of those; the next ones count up. Tuning takes those from 5000.")
    ] = 0,
    pairs: Annotated[int, typer.Option(help="How often dense and method are timed, in turns.")] = 3,
    device: Annotated[str, typer.Option(help="Where the model computes: cpu, cuda, cuda:1, mps.")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run whose files DIR has.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Remove the files of another run that DIR has.")
    ] = False,
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
