"""Where tokens pay in editing: `python benchmarks/where_tokens_pay.py [--samples N] [--check]`.

It edits pictures with emoji-edit, densely and by step caches, baselines and schedules that leave the reference out, on
seeds that nothing was chosen on, and measures PSNR against the dense picture: of the whole, and inside and outside of
the region that the edit changed. It writes docs/results/editing.json after every run, goes on from what is there, and
writes the tables of docs/pay.md; with `--check` it only says whether these are up to date.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import interpolate

from tokred.bench.contender import Contender, parse_contenders
from tokred.bench.environment import Device, Versions
from tokred.bench.json_file import write_json
from tokred.bench.prompting import PipelineSubject
from tokred.metrics import psnr
from tokred.metrics.interval import interval95
from tokred.metrics.psnr import decibels
from tokred.plain import read_plain
from tokred.zoo.catalog import find_model
from tokred.zoo.load import load
from tokred.zoo.spread import asked

ROOT = Path(__file__).parents[1]
OUT, PAGE = ROOT / "docs" / "results" / "editing.json", ROOT / "docs" / "pay.md"
BLOCK = re.compile(r"(<!-- editing of (\d+) pixels in (\d+) steps(, local)? -->\n).*?(<!-- end -->)", re.DOTALL)
MODEL, SEED, REFERENCES = "emoji-edit", 100, 32
CHANGED = 0.1
"""Least difference of a channel to the reference at which a pixel counts as changed."""
FEW = (
    "fewer_steps:share=0.75",
    "fewer_steps:share=0.5",
    "taylor_seer:interval=2,dense_first=2",
    "step_cache:program=D 1 D 1,order=1",
    "step_cache:program=D D 1 D,order=1",
    "step_cache:program=D 1 D D,order=1",
    "reference_cache:program=D R 1 D",
    "reference_cache:program=D R D D",
    "reference_cache:program=D D R D,order=1",
    "reference_cache:program=D (R)*",
)
SOME = (
    "quality",
    "balanced",
    "fewer_steps:share=0.75",
    "fewer_steps:share=0.5",
    "taylor_seer:interval=2,dense_first=2",
    "step_cache:program=D D *(1 D),order=1",
    "step_cache:program=D 1 *(1 D),order=1",
    "reference_cache:program=D R *(1 D)",
    "reference_cache:program=D (R D)*",
    "reference_cache:program=D D (R R D)*,order=1",
)
MANY = (
    "quality",
    "balanced",
    "fast",
    "reference_cache:program=D R *(1 D)",
    "reference_cache:program=D D (R R R D)*,order=1",
)
LOCAL = (
    "quality",
    "balanced",
    "fast",
    "edit",
    "reference_cache:program=D R *(1 D)",
    "region_edit:program=D D D (E D)* D",
    "region_edit:program=D D D (1 E 1 D)* D",
    "region_edit:program=D D D (1 E 1 D)* D,threshold=0.2",
    "region_edit:program=D D D (1 E 1 D)* D,references=true",
    "region_edit:program=D R *(1 E 1 D) D",
    "region_edit:program=D D D (E E E D)* D,references=true",
)
CASES = {
    (32, 4, False): (32, FEW),
    (32, 8, False): (32, SOME),
    (32, 20, False): (4, MANY),
    (32, 10, True): (16, LOCAL),
    (32, 28, True): (16, LOCAL),
}
"""For pixels of a side, denoising steps and whether edits are local: how many pictures, and what is measured."""
LOCALLY = ("leave", "put a ", "put an ")
"""How the prompts of edits begin that leave most of the picture as it is."""


@dataclass(frozen=True)
class Run:
    """What was measured of one method or baseline.

    Attributes:
        size: pixels of a side.
        steps: denoising steps of the dense reference.
        label: of the run.
        compute: operations of the sites over dense; of a baseline that tokred does not count, as its schedule says.
        psnr: of each picture against the dense one, in dB.
        inside: likewise, over the pixels that the edit changed.
        outside: likewise, over the others.
        local: whether all edits leave most of the picture as it is.
    """

    size: int
    steps: int
    label: str
    compute: float
    psnr: tuple[float, ...]
    inside: tuple[float, ...]
    outside: tuple[float, ...]
    local: bool


@dataclass(frozen=True)
class Editing:
    """All that was measured.

    Attributes:
        versions: of what it ran on.
        device: likewise.
        model: its name.
        seed: of the first picture; the next ones count up.
        runs: in the order of measuring.
    """

    versions: Versions
    device: Device
    model: str
    seed: int
    runs: tuple[Run, ...]


def references(size: int) -> torch.Tensor:
    """Return the pictures to edit, `[B, 3, H, W]` in [-1, 1]."""
    return interpolate(find_model(MODEL).references(range(REFERENCES)), size=(size, size), mode="area")


def subject_of(size: int, local: bool) -> PipelineSubject:
    """Return what draws in a size: seed s edits reference s, by the prompt that it stands for, of all or local ones."""
    zoo = find_model(MODEL)
    known = [prompt for prompt in zoo.classes if prompt.startswith(LOCALLY) or not local]
    prompts = asked(known, range(REFERENCES))
    requests = [{"prompt": p, "image": x[None]} for p, x in zip(prompts, references(size), strict=True)]
    return PipelineSubject(load(zoo, "cpu"), requests, height=size, width=size, guidance_scale=zoo.guidance)


def changed(dense: torch.Tensor, seeds: Sequence[int]) -> torch.Tensor:
    """Say which pixels of the dense pictures `[B, 3, H, W]` are not the reference's, `[B, 1, H, W]`, bool."""
    given = references(dense.shape[-1])[[seed % REFERENCES for seed in seeds]] / 2 + 0.5
    return ((dense - given).abs() > CHANGED).any(dim=1, keepdim=True)


def within(pictures: torch.Tensor, dense: torch.Tensor, region: torch.Tensor) -> tuple[float, ...]:
    """Return the PSNR of each picture over the pixels of a region `[B, 1, H, W]`; an empty one's error is 0."""
    squares = (pictures - dense).square().mean(dim=1, keepdim=True) * region
    error = squares.sum(dim=(1, 2, 3)) / region.sum(dim=(1, 2, 3)).clamp(min=1)
    return tuple(round(value, 2) for value in decibels(error).tolist())


def cost(
    subject: PipelineSubject, contender: Contender, seeds: Sequence[int], steps: int
) -> tuple[torch.Tensor, float]:
    """Draw with a contender; return the pictures, and what share of the dense operations it took.

    A baseline's are those of the blocks that were called.
    """
    called = 0

    def count(*_: object) -> None:
        nonlocal called
        called += 1

    last = subject.model.transformer.single_transformer_blocks[-1]
    with contender.applied(subject.model) as run:
        hook = last.attn.register_forward_hook(count)
        pictures = subject.generate(seeds, contender.steps(steps))
        hook.remove()
        share = run.report().compute if run is not None else called / (len(seeds) * steps)
    return pictures, share


Case = tuple[int, int, bool]


def case_of(run: Run) -> Case:
    """Return which of `CASES` a run is of."""
    return run.size, run.steps, run.local


def measure(case: Case, samples: int, labels: Sequence[str], done: list[Run]) -> None:
    """Add what is missing of a case to `done`, and write it."""
    size, steps, local = case
    seeds = range(SEED, SEED + samples)
    known = {run.label for run in done if case_of(run) == case}
    missing = [contender for contender in parse_contenders(labels) if contender.label not in known]
    if not missing:
        return
    subject = subject_of(size, local)
    dense = subject.generate(seeds, steps)
    region = changed(dense, seeds)
    for contender in missing:
        pictures, share = cost(subject, contender, seeds, steps)
        whole = tuple(round(value, 2) for value in psnr(pictures, dense).tolist())
        parts = within(pictures, dense, region), within(pictures, dense, ~region)
        done.append(Run(size, steps, contender.label, round(share, 4), whole, *parts, local))
        write_json(Editing(Versions.here(), Device.of(subject.device), MODEL, SEED, tuple(done)), OUT)
        print(size, steps, contender.label, f"{share:.2f} {statistics.fmean(whole):.1f}", flush=True)


def table(runs: Sequence[Run]) -> str:
    """Return the lines of a table of runs, the cheapest first."""
    head = ["run", "compute", "PSNR, dB", "inside", "outside"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for run in sorted(runs, key=lambda run: run.compute):
        low, high = interval95(run.psnr)
        mean = f"{statistics.fmean(run.psnr):.1f} ({low:.1f} to {high:.1f})"
        parts = (f"{statistics.fmean(values):.1f}" for values in (run.inside, run.outside))
        lines.append(f"| {run.label} | {run.compute:.2f} | {mean} | {' | '.join(parts)} |")
    return "\n".join(lines) + "\n"


def page(text: str, editing: Editing) -> str:
    """Return the page with its tables filled in."""

    def filled(block: re.Match[str]) -> str:
        case = int(block[2]), int(block[3]), bool(block[4])
        return f"{block[1]}{table([run for run in editing.runs if case_of(run) == case])}{block[5]}"

    return BLOCK.sub(filled, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, help="pictures of each run, in place of the usual number")
    parser.add_argument("--check", action="store_true", help="say whether the page is up to date")
    arguments = parser.parse_args()
    done = read_plain(Editing, json.loads(OUT.read_text()), "editing") if OUT.exists() else None
    if not arguments.check:
        asked_for = {case: [each.label for each in parse_contenders(labels)] for case, (_, labels) in CASES.items()}
        runs = [run for run in (done.runs if done else ()) if run.label in asked_for[case_of(run)]]
        for case, (samples, labels) in CASES.items():
            measure(case, arguments.samples or samples, labels, runs)
        done = read_plain(Editing, json.loads(OUT.read_text()), "editing")
    assert done is not None, f"{OUT} is missing"
    written = page(PAGE.read_text(), done)
    if arguments.check:
        return int(written != PAGE.read_text())
    PAGE.write_text(written)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
