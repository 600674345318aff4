"""Part `quality`: `tokred bench` of the zoo's models, with more samples than a CPU has time for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from child import run_child
from jobs import AFTER_MODELS, Job, Options
from tokred.zoo.catalog import ZooModel, zoo_models

SAMPLES = {"full": 64, "tiny": 2}
GUESS_SECONDS = 30.0
BENCH = "import sys; from tokred.cli import main; sys.argv[0] = 'tokred'; main()"


def jobs(options: Options) -> Iterator[Job]:
    """Yield a job for each model; other weights of the same name are another job."""
    for model in zoo_models():
        files, samples = "-".join(sha[:8] for sha in model.files.values()), samples_of(model, options)
        yield Job(
            part="quality",
            what={"model": model.name, "samples": samples, "files": files, "device": options.device},
            run=partial(bench, options, model),
            like=model.name,
            guess=GUESS_SECONDS,
            rank=AFTER_MODELS + 3,
        )


def samples_of(model: ZooModel, options: Options) -> int | None:
    """Return how many samples to take; None, the benchmark's own number, of a classifier: all test pictures."""
    return SAMPLES[options.sizes] if model.draws or options.sizes == "tiny" else None


def bench(options: Options, model: ZooModel, seconds: float) -> dict[str, Any]:
    """Run the benchmark into a folder of its own and name its results."""
    folder = options.out / "quality" / model.name
    samples = samples_of(model, options)
    command = [sys.executable, "-c", BENCH, "bench", "--model", model.name, "--device", options.device]
    command += ["--samples", str(samples)] if samples else []
    run_child([*command, "--out", folder], seconds, folder / "log.txt")
    return {"results": str(folder / "results.json")}
