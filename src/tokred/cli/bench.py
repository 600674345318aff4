"""`tokred bench`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer


def bench(
    model: Annotated[str, typer.Option(metavar="NAME", help="Trained model to draw with; see `tokred models`.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; made if it does not exist.")],
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:key=value,...]",
            help="Method or rival; can be given more than once. Without parameters: its standard runs. "
            "Without any --method: all methods and rivals.",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps. Default: what the model is meant for.")] = None,
    samples: Annotated[int, typer.Option(help="Pictures that each run draws.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of the first picture; the next ones count up.")] = 0,
    pairs: Annotated[int, typer.Option(help="How often dense and method are timed, in turns.")] = 3,
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where the model computes.")] = "cpu",
) -> None:
    """Measure time, compute and quality of methods and rivals against the dense model, on the same seeds."""
    from tokred.bench import Settings, load_subject, parse_contenders, run_bench, write_results
    from tokred.bench.files import make_folder
    from tokred.bench.plots import write_pareto
    from tokred.bench.runner import check_fit
    from tokred.bench.strip import write_strip
    from tokred.cli.console import ConsoleView
    from tokred.metrics import Lpips
    from tokred.zoo.catalog import find_model

    steps = find_model(model).steps if steps is None else steps
    texts = method or []
    named = [part for text in texts for part in ("--method", text)]
    numbers = ["--steps", steps, "--samples", samples, "--seed", seed, "--pairs", pairs]
    words = ["tokred", "bench", "--model", model, *named, *numbers, "--device", device, "--out", out]
    command = shlex.join(map(str, words))
    settings = Settings.from_seed(seed, steps=steps, samples=samples, pairs=pairs, command=command)
    contenders = parse_contenders(texts)
    subject = load_subject(model, device)
    check_fit(subject, contenders)
    Lpips.load()  # corrupt weights are refused before anything is written
    make_folder(out)
    with ConsoleView(subject.name, settings) as view:
        results = run_bench(subject, contenders, settings, view)
    write_results(results, out / "results.json")
    view.written([out / "results.json", *write_pareto(results, out), write_strip(view.exhibits, out)])
