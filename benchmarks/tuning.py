"""What a search from recordings finds at the presets' cost: `python benchmarks/tuning.py emoji-sd3 10 balanced`.

For each preset that is named, a search is asked for what a generation may cost with it. What it found is chosen on the
pictures of the search, and both are measured on others. Rows are added to docs/results/tuning.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from tokred.bench import Contender, load_subject, parse_contenders
from tokred.bench.drawing import DrawingSubject
from tokred.bench.environment import Device, Versions
from tokred.bench.json_file import read_json, write_json
from tokred.metrics import Paired, psnr
from tokred.plain import read_plain
from tokred.tuning import Effort, Target, find_finalists

OUT = Path(__file__).parents[1] / "docs" / "results" / "tuning.json"
HELD_OUT = range(100, 108)


@dataclass(frozen=True)
class Search:
    """What was found at the cost of a preset.

    Attributes:
        model: name of the trained model.
        steps: denoising steps.
        preset: name of it.
        preset_compute: the share of the model's operations that it takes.
        preset_psnr: of each held-out picture by the preset, against the dense one, in dB.
        found: label of what was found.
        compute: the share that it takes.
        psnr: of each held-out picture by it.
        difference: of the two, sample by sample.
        generations: how many dense generations have as many model calls as the search made.
    """

    model: str
    steps: int
    preset: str
    preset_compute: float
    preset_psnr: tuple[float, ...]
    found: str
    compute: float
    psnr: tuple[float, ...]
    difference: Paired
    generations: float


@dataclass(frozen=True)
class Searches:
    """All that was found, and by what.

    Attributes:
        schema: version of the file's format.
        versions: of what computed it.
        device: what computed it.
        seeds: of the held-out pictures.
        searches: one for each model, number of steps and preset.
    """

    schema: Literal[1]
    versions: Versions
    device: Device
    seeds: tuple[int, ...]
    searches: tuple[Search, ...]


class Drawing:
    """Draws held-out pictures of a model, and counts how often the model is called."""

    def __init__(self, name: str, steps: int) -> None:
        subject = load_subject(name)
        assert isinstance(subject, DrawingSubject)
        self.subject, self.steps = subject, steps
        self.calls = 0
        self.dense = self._drawn()

    def measure(self, contender: Contender) -> tuple[float, tuple[float, ...]]:
        """Return the compute of a method, and the PSNR of each picture."""
        with contender.applied(self.subject.model) as run:
            made = self._drawn()
            assert run is not None
            return run.report().compute, tuple(psnr(made, self.dense).tolist())

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the calls of the model inside the `with` block; those that are skipped call nothing inside it."""
        self.calls = 0
        first = self.subject.model.transformer.transformer_blocks[0]
        handle = first.register_forward_pre_hook(self._count)
        try:
            yield
        finally:
            handle.remove()

    def _count(self, *_: Any) -> None:
        self.calls += 1

    def _drawn(self) -> torch.Tensor:
        return torch.cat([self.subject.generate([seed], self.steps) for seed in HELD_OUT])


def search(drawing: Drawing, preset: str) -> Search:
    """Search at the cost of a preset; take what is best there on the pictures of the search."""
    (contender,) = parse_contenders([preset])
    cost, expected = drawing.measure(contender)
    target, one_each = Target(time=cost), 1
    with drawing.counted():
        finalists = find_finalists(drawing.subject, drawing.steps, target, Effort(), one_each, lambda _: None)
    measured = ((each, *drawing.measure(each)) for each in reversed(finalists))  # the best of the search first
    best, compute, values = next(each for each in measured if each[1] <= cost)
    return Search(
        model=drawing.subject.name,
        steps=drawing.steps,
        preset=preset,
        preset_compute=cost,
        preset_psnr=expected,
        found=best.label,
        compute=compute,
        psnr=values,
        difference=Paired.of(values, expected),
        generations=drawing.calls / drawing.steps,
    )


def keep(found: Search, path: Path) -> None:
    """Write a search into the file, in the place of an earlier one of the same."""
    earlier = read_plain(Searches, read_json(path, "its results"), "searches").searches if path.exists() else ()
    key = (found.model, found.steps, found.preset)
    others = tuple(each for each in earlier if (each.model, each.steps, each.preset) != key)
    device = Device.of(torch.device("cpu"))
    searches = tuple(sorted((*others, found), key=lambda each: (each.model, each.steps, -each.preset_compute)))
    write_json(Searches(1, Versions.here(), device, tuple(HELD_OUT), searches), path)


def main(given: Sequence[str] | None = None) -> None:
    """Search, and write what was found after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("steps", type=int)
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args(given)
    drawing = Drawing(asked.model, asked.steps)
    for preset in asked.presets:
        found = search(drawing, preset)
        keep(found, asked.out)
        print(f"{preset}: {found.difference.mean:+.1f} dB by {found.found}, {found.generations:.0f} generations")


if __name__ == "__main__":
    main()
