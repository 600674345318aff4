"""How far tokred's own methods lie above the baselines and the published methods: `python benchmarks/advantage.py`.

It reads the results that benchmarks/front.sh wrote to docs/results/front, compares each preset and each other method of
tokred's own, sample by sample, with the Pareto front of a group, and writes advantage.json, a plot over the number of
steps, and the tables of docs/front.md between their comments. Above the dearest run of a front its best counts, and
"at any" cost that does always. What `tokred tune` found, in docs/results/tuned, is compared with the baselines that
were measured on the same samples. With `--check` nothing is written, and a page or file that is out of date is an
error.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Literal, get_args

from matplotlib.figure import Figure

from tokred.bench import Results, find_metric, join_results, read_results
from tokred.bench.curve import Between, Point, at_cost, pareto_front
from tokred.bench.figure_file import write_figure
from tokred.bench.joining import check_comparable
from tokred.bench.json_file import write_json
from tokred.bench.plots import write_pareto
from tokred.bench.result import Row
from tokred.metrics import Paired
from tokred.zoo.catalog import find_model

ROOT = Path(__file__).parents[1]
FRONT = ROOT / "docs" / "results" / "front"
TUNED = ROOT / "docs" / "results" / "tuned"
PAGE = ROOT / "docs" / "front.md"
METRIC = "psnr"
Cost = Literal["time", "compute", "any"]
PRESETS = ("quality", "balanced", "fast")
OWN = (*PRESETS, "delta")
BLOCK = re.compile(
    r"(<!-- advantage over (baselines|published) at (time|compute|any) -->\n).*?(<!-- end -->)", re.DOTALL
)
TUNED_BLOCK = re.compile(r"(<!-- tuned over baselines at (time|compute) -->\n).*?(<!-- end -->)", re.DOTALL)
COLOURS = {"emoji-dit": "#0072B2", "emoji-sd3": "#D55E00", "emoji-flux": "#009E73", "emoji-clip": "#CC79A7"}


def is_baseline(row: Row) -> bool:
    """Say whether a run is what users have without tokred: fewer steps, and the caches of diffusers."""
    return row.kind == "baseline"


def is_published(row: Row) -> bool:
    """Say whether a run is a token method that others published."""
    return row.kind == "method" and row.method not in (*OWN, "step_cache", "random")


GROUPS: dict[str, Callable[[Row], bool]] = {"baselines": is_baseline, "published": is_published}


@dataclass(frozen=True)
class Advantage:
    """How a run compares with the front of a group at the same cost.

    Attributes:
        model: name of the trained model.
        tokens: image tokens of a picture.
        steps: denoising steps.
        label: of the run.
        group: "baselines" or "published".
        axis: which cost is the same, "time" or "compute"; with "any" it is compared with the best run of all.
        cost: over dense.
        best: how the group reaches that cost: the labels of the two runs between which it lies.
        difference: PSNR of the run minus that of the front, in dB.
    """

    model: str
    tokens: int
    steps: int
    label: str
    group: str
    axis: Cost
    cost: float
    best: tuple[str, str]
    difference: Paired


@dataclass(frozen=True)
class Cheaper:
    """A run that costs less than all of a group.

    Attributes:
        model: see `Advantage`.
        steps: likewise.
        label: likewise.
        group: likewise.
        axis: likewise.
        cost: likewise.
        cheapest: the label of the group's cheapest run.
        its_cost: what that costs.
    """

    model: str
    steps: int
    label: str
    group: str
    axis: Cost
    cost: float
    cheapest: str
    its_cost: float


@dataclass(frozen=True)
class Advantages:
    """All that could be compared, and what could not; `tuned` are the runs that `tokred tune` found."""

    found: tuple[Advantage, ...]
    cheaper: tuple[Cheaper, ...]
    tuned: tuple[Advantage | Cheaper, ...]


def compare(results: Results) -> Iterator[Advantage | Cheaper]:
    """Compare every run of tokred's own with the front of each group."""
    own = [row for row in results.rows if row.method in OWN]
    for group in GROUPS:
        for axis in get_args(Cost):
            yield from _all_compared(results, group, axis, own)


def compare_tuned(tuned: Results, measured: Results) -> Iterator[Advantage | Cheaper]:
    """Compare every run that was tuned with the front of the baselines in another file, of the same samples.

    Raises:
        SpecError: the two are not of the same model, steps and seeds.
    """
    check_comparable(tuned, measured)
    for axis in get_args(Cost):
        yield from _all_compared(measured, "baselines", axis, tuned.rows)


def _all_compared(results: Results, group: str, axis: Cost, rows: Sequence[Row]) -> Iterator[Advantage | Cheaper]:
    points = (_point(row, axis) for row in results.rows if GROUPS[group](row) and row.reduced)
    front = pareto_front(points, higher=True)
    if front:
        yield from (_compared(results, group, axis, row, front) for row in rows)


def _point(row: Row, axis: Cost) -> Point:
    return Point(row.label, _cost(row, axis), row.scores[METRIC].mean, row.scores[METRIC].values)


def _cost(row: Row, axis: Cost) -> float:
    """Return a cost to a hundredth, so that runs that compute as many steps cost the same."""
    return round(row.cost("compute" if axis == "compute" else "time"), 2)


def _compared(results: Results, group: str, axis: Cost, row: Row, front: Sequence[Point]) -> Advantage | Cheaper:
    cost, best = _cost(row, axis), front[-1]
    place = at_cost(front, cost) if axis != "any" and cost < best.cost else Between(best, best, 0.0)
    if place is None:
        return Cheaper(
            results.model, results.settings.steps, row.label, group, axis, cost, front[0].label, front[0].cost
        )
    return Advantage(
        model=results.model,
        tokens=find_model(results.model).tokens,
        steps=results.settings.steps,
        label=row.label,
        group=group,
        axis=axis,
        cost=cost,
        best=(place.cheaper.label, place.dearer.label),
        difference=Paired.of(row.scores[METRIC].values, place.values),
    )


def all_results(folder: Path) -> list[Results]:
    """Read all results, by tokens and steps, each with the parts that were measured beside it."""
    found = []
    for path in folder.glob("*/results.json"):
        parts = sorted(path.parent.glob(f"*/{path.name}"))
        found.append(reduce(join_results, map(read_results, parts), read_results(path)))
    return sorted(found, key=lambda r: (find_model(r.model).tokens, r.model, r.settings.steps))


def all_advantages(fronts: Sequence[Results]) -> Advantages:
    """Compare all that was measured, and all that was tuned."""
    each = [one for results in fronts for one in compare(results)]
    measured = {(results.model, results.settings.steps): results for results in fronts}
    tuned = [(results, measured[results.model, results.settings.steps]) for results in all_results(TUNED)]
    return Advantages(
        tuple(a for a in each if isinstance(a, Advantage)),
        tuple(a for a in each if isinstance(a, Cheaper)),
        tuple(one for pair in tuned for one in compare_tuned(*pair)),
    )


def table(advantages: Advantages, group: str, axis: str) -> list[str]:
    """Return a row for each preset on each model, a column for each number of steps."""
    found = [a for a in advantages.found if (a.group, a.axis) == (group, axis)]
    steps = sorted({a.steps for a in advantages.found})
    models = list(dict.fromkeys((a.model, a.tokens) for a in advantages.found))
    lines = [
        f"| model | tokens | method | {' | '.join(f'{n} steps' for n in steps)} |",
        "|" + "---|" * (3 + len(steps)),
    ]
    for model, tokens in models:
        for preset in PRESETS:
            cells = [_cell([a for a in found if (a.model, a.label, a.steps) == (model, preset, n)]) for n in steps]
            lines.append(f"| {model} | {tokens:,} | {preset} | {' | '.join(cells)} |")
    return lines


def _cell(found: Sequence[Advantage]) -> str:
    return "-" if not found else _written(*found)


def _written(advantage: Advantage) -> str:
    paired = advantage.difference
    return f"{paired.mean:+.1f} ({paired.low:+.1f} to {paired.high:+.1f})"


def tuned_table(advantages: Advantages, axis: str) -> list[str]:
    """Return a row for each run that was tuned."""
    lines = [f"| model | steps | method | {axis} | above the baselines, dB |", "|---|---|---|---|---|"]
    for one in (one for one in advantages.tuned if one.axis == axis):
        above = _written(one) if isinstance(one, Advantage) else "-"
        lines.append(f"| {one.model} | {one.steps} | {one.label} | {one.cost:.2f} | {above} |")
    return lines


def figure(advantages: Advantages) -> Figure:
    """Draw a panel for each preset: its advantage over the baselines at equal time, over the number of steps."""
    drawn = Figure(figsize=(11, 3.8), layout="constrained")
    panels = drawn.subplots(1, len(PRESETS), sharey=True)
    for panel, preset in zip(panels, PRESETS, strict=True):
        panel.axhline(0, color="0.6", linewidth=1, linestyle=":")
        for model, colour in COLOURS.items():
            line = [
                a
                for a in advantages.found
                if (a.group, a.axis, a.label, a.model) == ("baselines", "time", preset, model)
            ]
            if line:
                means = [a.difference.mean for a in line]
                bars = [
                    [a.difference.mean - a.difference.low for a in line],
                    [a.difference.high - a.difference.mean for a in line],
                ]
                panel.errorbar(
                    [a.steps for a in line],
                    means,
                    yerr=bars,
                    color=colour,
                    marker="o",
                    markersize=4,
                    capsize=2,
                    label=f"{model}, {line[0].tokens:,} tokens",
                )
        panel.set(title=preset, xscale="log", xlabel="steps", xticks=[6, 10, 28, 50])
        panel.set_xticks([6, 10, 28, 50], ["6", "10", "28", "50"])
        panel.minorticks_off()
    panels[0].set_ylabel("PSNR above the baselines' front\nat equal time, dB (bars: 95 %)")
    handles, labels = panels[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return drawn


def filled(page: str, advantages: Advantages) -> str:
    """Return the page with its tables made anew."""

    def block(match: re.Match[str]) -> str:
        head, group, axis, tail = match.groups()
        return head + "\n".join(table(advantages, group, axis)) + "\n" + tail

    def tuned_block(match: re.Match[str]) -> str:
        head, axis, tail = match.groups()
        return head + "\n".join(tuned_table(advantages, axis)) + "\n" + tail

    return TUNED_BLOCK.sub(tuned_block, BLOCK.sub(block, page))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where something is out of date")
    check = parser.parse_args().check
    fronts = all_results(FRONT)
    advantages = all_advantages(fronts)
    file, page = FRONT / "advantage.json", PAGE.read_text()
    if check:
        stale = [
            *([PAGE.name] if filled(page, advantages) != page else []),
            *(
                [file.name]
                if json.loads(file.read_text()) != json.loads(json.dumps(dataclasses.asdict(advantages)))
                else []
            ),
        ]
        print(f"out of date: {', '.join(stale) or 'none'}")
        return 1 if stale else 0
    write_json(advantages, file)
    for results in fronts:
        write_pareto(results, find_metric(results, METRIC), FRONT / f"{results.model}-{results.settings.steps}")
    write_figure(figure(advantages), "advantage", FRONT)
    PAGE.write_text(filled(page, advantages))
    return 0


if __name__ == "__main__":
    sys.exit(main())
