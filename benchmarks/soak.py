"""Do threads that share a model draw what each draws alone, and does nothing grow?

`python benchmarks/soak.py --out FILE`: eight threads, fifty generations each, on one emoji-dit; pipelines and loops of
one's own, that reduce and that do not, of several numbers of steps, pictures and pixels, some broken off in the middle.
Every picture is held against that of one thread alone. Then a thousand generations one after the other, with what is
held counted on the way. All of it once by each method; called again, it goes on with those that FILE has not. The exit
code is 1 where a picture differs or more is held than at the start.
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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

import tokred
from tokred.bench.environment import Device, Versions

MODEL, METHODS = "emoji-dit", ("balanced", "dito", "delta:dense_first=1")
SIDE = 64
"""Pixels of a side of what the model was trained on."""


@dataclass(frozen=True)
class Drawing:
    """One generation: its steps, pictures, pixels a side, seed, whether it is reduced, and where it is broken off."""

    steps: int
    pictures: int
    side: int
    seed: int
    reduced: bool
    stop: int | None


LAST = Drawing(steps=4, pictures=1, side=32, seed=0, reduced=True, stop=None)


class Stop(Exception):
    """Breaks a generation off."""


def draw(pipe: Any, drawing: Drawing) -> torch.Tensor | None:
    """Draw with a scheduler of its own on the shared model; None where it was broken off."""
    scheduler = copy.deepcopy(pipe.scheduler)
    if not drawing.reduced:
        scheduler = type(scheduler).from_config(scheduler.config)
    if drawing.stop is not None:
        _break_off(scheduler, drawing.stop)
    generator = [torch.Generator().manual_seed(drawing.seed + i) for i in range(drawing.pictures)]
    try:
        return (_by_pipeline if drawing.side == SIDE else _by_loop)(pipe, scheduler, drawing, generator)
    except Stop:
        return None


def _by_pipeline(pipe: Any, scheduler: Any, drawing: Drawing, generator: list[torch.Generator]) -> torch.Tensor:
    """Draw as the pipeline does, at the one size that it knows."""
    other = type(pipe)(**{**pipe.components, "scheduler": scheduler})
    other.set_progress_bar_config(disable=True)
    labels, steps = [1] * drawing.pictures, drawing.steps
    made = other(labels, num_inference_steps=steps, generator=generator, guidance_scale=1.0, output_type="np")
    return torch.from_numpy(made.images)


@torch.no_grad()
def _by_loop(pipe: Any, scheduler: Any, drawing: Drawing, generator: list[torch.Generator]) -> torch.Tensor:
    """Draw in a loop of one's own, at any size."""
    shape = pipe.transformer.config.in_channels, drawing.side, drawing.side
    latents = torch.stack([torch.randn(shape, generator=each) for each in generator])
    labels = torch.ones(drawing.pictures, dtype=torch.long)
    scheduler.set_timesteps(drawing.steps)
    for time in scheduler.timesteps:
        noise = pipe.transformer(scheduler.scale_model_input(latents, time), time.expand(len(labels)), labels).sample
        latents = scheduler.step(noise, time, latents).prev_sample
    return latents


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
            steps := chance.choice((4, 5, 7)),
            chance.choice((1, 2)),
            chance.choice((SIDE, SIDE, 32, 48)),
            chance.randrange(4),
            chance.random() < 0.7,
            chance.randrange(steps) if chance.random() < 0.15 else None,
        )
        for _ in range(count)
    ]


def held(pipe: Any) -> int:
    """Count the bytes of all tensors, those of one and the same last generation among them."""
    draw(pipe, LAST)
    gc.collect()
    return sum(thing.nbytes for thing in gc.get_objects() if isinstance(thing, torch.Tensor))


def threads_agree(pipe: Any, threads: int, generations: int) -> dict[str, Any]:
    """Let threads draw, and hold each picture against its twin."""
    lots = [drawings(generations, seed) for seed in range(threads)]
    alone = {drawing: draw(pipe, drawing) for drawing in {d for lot in lots for d in lot}}
    before, differ = held(pipe), []

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
        "bytes_more": held(pipe) - before,
    }


def nothing_grows(pipe: Any, generations: int) -> dict[str, Any]:
    """Draw one after the other, and count what is held after a tenth and at the end."""
    seen = []
    for index in range(generations):
        draw(pipe, replace(LAST, seed=index % 4))
        if index + 1 in (generations // 10, generations):
            seen.append((held(pipe), len(gc.get_objects())))
    (tensors, objects), (more_tensors, more_objects) = seen
    return {
        "generations": generations,
        "bytes_more": more_tensors - tensors,
        "objects_more": more_objects - objects,
    }


def soak(method: str, threads: int, generations: int, one_by_one: int) -> dict[str, Any]:
    """Do both by one method."""
    pipe = tokred.load_model(MODEL)
    with tokred.apply(pipe, method):
        agree = threads_agree(pipe, threads, generations)
        return {"method": method, "threads": agree, "one by one": nothing_grows(pipe, one_by_one)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--generations", type=int, default=50, help="of each thread")
    parser.add_argument("--one-by-one", type=int, default=1000)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "tokred: nothing is reduced, the denoising step is not known")
    about = {"model": MODEL, "versions": asdict(Versions.here()), "device": asdict(Device.of(torch.device("cpu")))}
    rows = json.loads(asked.out.read_text())["rows"] if asked.out.exists() else []
    for method in [method for method in METHODS if method not in {row["method"] for row in rows}]:
        rows.append(soak(method, asked.threads, asked.generations, asked.one_by_one))
        print(json.dumps(rows[-1]), flush=True)
        asked.out.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    return int(any(row["threads"]["different"] or _grown(row) for row in rows))


def _grown(row: dict[str, Any]) -> bool:
    """Say whether more tensors are held than before, or a dozen objects of any kind."""
    parts = row["threads"], row["one by one"]
    return any(part["bytes_more"] > 0 for part in parts) or row["one by one"]["objects_more"] > 10


if __name__ == "__main__":
    sys.exit(main())
