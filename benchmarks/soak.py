"""Do threads that share a model draw what each draws alone, and does nothing grow?

`python benchmarks/soak.py --out FILE`: eight threads, fifty generations each, on one emoji-dit; pipelines that reduce
and pipelines that do not, of several numbers of steps and pictures, some broken off in the middle. Every picture is
held against that of one thread alone. Then a thousand generations one after the other, with the bytes that are held
counted on the way. The exit code is 1 where a picture differs or more is held than at the start.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import random
import sys
import threading
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import tokred
from tokred.bench.environment import Device, Versions

MODEL, METHODS = "emoji-dit", ("balanced", "dito", "delta")


@dataclass(frozen=True)
class Drawing:
    """One generation: its steps, pictures, seed, whether it is reduced, and the step at which it is broken off."""

    steps: int
    pictures: int
    seed: int
    reduced: bool
    stop: int | None


class Stop(Exception):
    """Breaks a generation off."""


def draw(pipe: Any, drawing: Drawing) -> torch.Tensor | None:
    """Draw with a pipeline of its own on the shared model; None where it was broken off."""
    scheduler = copy.deepcopy(pipe.scheduler)
    if not drawing.reduced:
        scheduler = type(scheduler).from_config(scheduler.config)
    other = type(pipe)(**{**pipe.components, "scheduler": scheduler})
    other.set_progress_bar_config(disable=True)
    if drawing.stop is not None:
        _break_off(scheduler, drawing.stop)
    generator = [torch.Generator().manual_seed(drawing.seed + i) for i in range(drawing.pictures)]
    try:
        made = other(
            [1] * drawing.pictures,
            num_inference_steps=drawing.steps,
            generator=generator,
            guidance_scale=1.0,
            output_type="np",
        )
    except Stop:
        return None
    return torch.from_numpy(made.images)


def _break_off(scheduler: Any, stop: int) -> None:
    step, taken = scheduler.step, iter(range(stop))

    def breaking(*args: Any, **kwargs: Any) -> Any:
        if next(taken, None) is None:
            raise Stop
        return step(*args, **kwargs)

    scheduler.step = breaking


def drawings(count: int, seed: int) -> list[Drawing]:
    """Draw so many lots."""
    chance = random.Random(seed)
    return [
        Drawing(
            steps := chance.choice((4, 6, 9)),
            chance.choice((1, 2)),
            chance.randrange(4),
            chance.random() < 0.7,
            chance.randrange(steps) if chance.random() < 0.15 else None,
        )
        for _ in range(count)
    ]


def held() -> int:
    """Count the bytes of all tensors."""
    gc.collect()
    return sum(thing.nbytes for thing in gc.get_objects() if isinstance(thing, torch.Tensor))


def threads_agree(pipe: Any, threads: int, generations: int) -> dict[str, Any]:
    """Let threads draw, and hold each picture against its twin."""
    lots = [drawings(generations, seed) for seed in range(threads)]
    alone = {drawing: draw(pipe, drawing) for drawing in {d for lot in lots for d in lot}}
    before, differ = held(), []

    def work(lot: list[Drawing]) -> None:
        for drawing in lot:
            expected, made = alone[drawing], draw(pipe, drawing)
            if (made is None) != (expected is None) or (made is not None and not torch.equal(made, expected)):
                differ.append(drawing)

    workers = [threading.Thread(target=work, args=(lot,)) for lot in lots]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    del workers
    kinds = {"broken_off": sum(d.stop is not None for lot in lots for d in lot)}
    kinds["reduced"] = sum(d.reduced for lot in lots for d in lot)
    return {
        "threads": threads,
        "generations": threads * generations,
        **kinds,
        "different": [asdict(d) for d in differ],
        "bytes_more": held() - before,
    }


def nothing_grows(pipe: Any, generations: int) -> dict[str, Any]:
    """Draw one after the other, and count the bytes that are held after a tenth and at the end."""
    seen = []
    for index in range(generations):
        draw(pipe, Drawing(4, 1, index % 4, True, None))
        if index + 1 in (generations // 10, generations):
            seen.append(held())
    return {"generations": generations, "bytes_more": seen[1] - seen[0]}


def soak(threads: int, generations: int, one_by_one: int) -> list[dict[str, Any]]:
    """Do both by each method."""
    warnings.filterwarnings("ignore", "tokred: nothing is reduced, the denoising step is not known")
    rows = []
    for method in METHODS:
        pipe = tokred.load_model(MODEL)
        with tokred.apply(pipe, method):
            agree = threads_agree(pipe, threads, generations)
            found = {"threads": agree, "one by one": nothing_grows(pipe, one_by_one)}
        rows.append({"method": method, **found})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--generations", type=int, default=50, help="of each thread")
    parser.add_argument("--one-by-one", type=int, default=1000)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = soak(asked.threads, asked.generations, asked.one_by_one)
    about = {"model": MODEL, "versions": asdict(Versions.here()), "device": asdict(Device.of(torch.device("cpu")))}
    asked.out.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    failed = [row for row in rows if row["threads"]["different"] or max(_grown(row)) > 0]
    return int(bool(failed))


def _grown(row: dict[str, Any]) -> list[int]:
    return [row["threads"]["bytes_more"], row["one by one"]["bytes_more"]]


if __name__ == "__main__":
    sys.exit(main())
