"""Write the measured tables into README and docs: `python benchmarks/tables.py [--check]`.

A page says where a table goes with a pair of comments, `<!-- table: FILE [NAME[:key=value,...] ...] -->` and
`<!-- end -->`: FILE is a result file under `docs/results`, the names are the methods, or some of their runs, to be
shown in that order (all of them where none is named). An `analysis.json` is named from there as well; its table has a
row for each lag. `FILE+FILE` are results of the same samples as one, see `tokred.bench.join_results`.
`brief` in place of `table` leaves the speedup and the first metric, for readers in a hurry.
`<!-- gains: FILE against NAME[:key=value,...] [METRIC] -->` is the place of the paired differences that
`tokred compare` finds in the file; `twins` in place of `gains` leaves out those at equal compute and time.
`<!-- measured: NAME -->` is the place of all runs of a method or baseline on the trained models that have a file of
their own; `<!-- speed: FOLDER -->` that of what benchmarks/gpu recorded in a folder.
`<!-- ranges: FILE,... of NAME[:key=value,...] [without PARAMETER,...] against NAME[...] -->`
is that of how these differences spread over some of the runs, in several files.
The docs' front page is README's first screen, and CONTRIBUTING is a page of them.
With `--check` nothing is written, and a page whose table is not the one that its file gives is an error.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokred.analysis.analysis_file import validate as validate_analysis
from tokred.analysis.page import SUMMARY_HEAD, summary
from tokred.bench import (
    Metric,
    Results,
    compare_runs,
    find_metric,
    join_results,
    parse_references,
    read_results,
    validate,
)
from tokred.bench.curve import Point, at_cost, pareto_front
from tokred.bench.gains import gain_tables
from tokred.bench.measures import known_metric
from tokred.bench.result import Row, Score
from tokred.errors import SpecError
from tokred.metrics import Paired
from tokred.zoo.catalog import zoo_models

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
BLOCK = re.compile(r"(<!-- table: (\S+)((?: \w\S*)*) -->\n).*?(<!-- end -->)", re.DOTALL)
BRIEF = re.compile(r"(<!-- brief: (\S+)((?: \w\S*)*) -->\n).*?(<!-- end -->)", re.DOTALL)
GAINS = re.compile(r"(<!-- (gains|twins): (\S+) against (\S+)(?: (\w+))? -->\n).*?(<!-- end -->)", re.DOTALL)
RANGES = re.compile(r"(<!-- ranges: (\S+) of (\S+)(?: without (\S+))? against (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
MEASURED = re.compile(r"(<!-- measured: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
SPEED = re.compile(r"(<!-- speed: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def markdown(*rows: Sequence[str]) -> list[str]:
    """Return the lines of a table; the first row is its head."""
    head, *body = (f"| {' | '.join(cells)} |" for cells in rows)
    return [head, "|" + "---|" * len(rows[0]), *body]


def interval(metric: Metric, score: Score) -> str:
    """Write a mean and its 95 % interval."""
    return f"{metric.written(score.mean)} ({metric.written(score.low)} to {metric.written(score.high)})"


def quality_table(results: Results, names: Sequence[str]) -> list[str]:
    """Return the lines of a benchmark's table, with the metrics that its file has.

    Where the dense model has scores, it has a row, and all rows tell their images per second.
    """
    dense, absolute = results.dense, bool(results.dense.scores)
    rows = [row for each in parse_references(names) for row in results.rows if each.selects((row.method, row.params))]
    rows = rows if names else list(results.rows)
    metrics = [known_metric(name) for name in rows[0].scores]

    def quality(samples_per_second: float, scores: Mapping[str, Score]) -> list[str]:
        speed = [f"{samples_per_second:.1f}"] if absolute else []
        return speed + [interval(m, scores[m.name]) if m.name in scores else "" for m in metrics]

    def cells(row: Row) -> list[str]:
        costs = [f"{row.compute:.2f}", f"{row.time_ratio.median:.2f}"]
        return [row.label, *costs, *quality(row.samples_per_second, row.scores)]

    speed = ["samples/s"] if absolute else []
    first = [["dense", "1.00", "1.00", *quality(dense.samples_per_second, dense.scores)]] if absolute else []
    return markdown(["method", "compute", "time", *speed, *(m.head for m in metrics)], *first, *map(cells, rows))


def brief_table(files: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the lines of a table of three columns: name, speedup and the first metric of the runs."""
    results = functools.reduce(join_results, (read_results(RESULTS / file) for file in files))
    metric = find_metric(results, None)
    rows = [row for each in parse_references(names) for row in results.rows if each.selects((row.method, row.params))]
    cells = (
        [row.label, f"{1 / row.time_ratio.median:.1f}x", metric.written(row.scores[metric.name].mean)] for row in rows
    )
    return markdown(["method", "speedup", metric.head], *cells)


@functools.cache  # the page of every method has rows of the same folders
def read_whole(folder: Path) -> Results:
    """Return the results in a folder, with those of its parts in the place of rows of the same label."""
    parts = sorted(folder.glob("*/results.json"))
    return functools.reduce(join_results, map(read_results, (folder / "results.json", *parts)))


def measured_table(name: str) -> list[str]:
    """Return the lines of a table of all runs of a method or baseline, on every measured model that it fits.

    Raises:
        SpecError: it was measured on none.
    """
    folders = [folder for model in zoo_models() if (folder := RESULTS / model.name).exists()]
    rows = [_measured(each.model, row) for each in map(read_whole, folders) for row in each.rows if row.method == name]
    if not rows:
        raise SpecError(f"'{name}' was not measured: no row in {', '.join(map(str, folders))}.")
    return markdown(["model", "run", "compute", "time", "quality"], *rows)


def _measured(model: str, row: Row) -> list[str]:
    metric = known_metric(next(iter(row.scores)))
    quality = f"{metric.head} {interval(metric, row.scores[metric.name])}"
    return [model, row.label, f"{row.compute:.2f}", f"{row.time_ratio.median:.2f}", quality]


def time_table(results: dict[str, Any]) -> list[str]:
    """Return the lines of the table that holds time against compute, of blocks as they are and compiled ones."""
    ways: dict[tuple[str, int, str], dict[bool, dict[str, Any]]] = defaultdict(dict)
    for row in results["rows"]:
        ways[row["model"], row["tokens"], row["method"]][row["compiled"]] = row

    def cells(row: dict[str, Any] | None) -> list[str]:
        return [f"{row['time_ratio']:.2f}", f"{row['time_ratio'] - row['compute']:+.3f}"] if row else ["", ""]

    rows = (
        [model, f"{tokens:,}", method, f"{way[False]['compute']:.2f}", *cells(way[False]), *cells(way.get(True))]
        for (model, tokens, method), way in ways.items()
    )
    return markdown(["model", "tokens", "method", "compute", "time", "over", "compiled", "over"], *rows)


def presets_table(results: dict[str, Any]) -> list[str]:
    """Return the nearest schedules to the fronts by the gap between dense steps, and the nearest that reduce tokens."""
    rows = []
    for gap in sorted({choice["preset"]["gap"] for choice in results["choices"]}):
        those = [choice for choice in results["choices"] if choice["preset"]["gap"] == gap]
        reducing = [choice for choice in those if choice["preset"]["reduces"]]
        rows += [
            [str(gap), choice["label"], *(f"{choice[name]:.2f}" for name in ("compute", "below", "worst"))]
            for choice in (*those[:2], *reducing[:1])
        ]
    return markdown(["gap", "schedule", "compute", "below the fronts, dB", "at worst, dB"], *rows)


def bends_table(results: dict[str, Any]) -> list[str]:
    """Return what a share of the parabola's bend adds to the line of each preset, in PSNR of the same pictures."""
    values = {(run["model"], run["steps"], run["preset"], run["bend"]): run["psnr"] for run in results["runs"]}
    presets = list(dict.fromkeys(run["preset"] for run in results["runs"]))
    (bend,) = {run["bend"] for run in results["runs"]} - {0.0}

    def gain(*where: Any) -> str:
        paired = Paired.of(values[*where, bend], values[*where, 0.0])
        return f"{paired.mean:+.1f} ({paired.low:+.1f} to {paired.high:+.1f})"

    places = sorted(dict.fromkeys(where[:2] for where in values), key=lambda place: place[1])
    rows = [[model, str(steps), *(gain(model, steps, preset) for preset in presets)] for model, steps in places]
    return markdown(["model", "steps", *presets], *rows)


def looking_table(results: dict[str, Any]) -> list[str]:
    """Return what each schedule that looks gains over fixed ones of as many computed steps, in PSNR."""
    head = ["model", "steps", "schedule", "compute", "from picture to picture", "PSNR, dB", "over fixed ones, dB"]
    places = dict.fromkeys((run["model"], run["steps"]) for run in results["runs"])
    return markdown(head, *(row for model, steps in places for row in _looking(results["runs"], model, steps)))


def _looking(runs: Sequence[dict[str, Any]], model: str, steps: int) -> Iterator[list[str]]:
    """Yield a row for each of them on a model, at a number of steps."""
    here = [run for run in runs if (run["model"], run["steps"]) == (model, steps)]
    points = {run["schedule"]: _point(run) for run in here}
    front = pareto_front((points[run["schedule"]] for run in here if not run["looks"]), higher=True)
    for run in here:
        point = points[run["schedule"]]
        if run["looks"] and (place := at_cost(front, point.cost)):
            gain = Paired.of(point.values, tuple(place.values))
            spread = f"{min(run['computed']):.2f} to {max(run['computed']):.2f}"
            cells = [f"{point.cost:.2f}", spread, f"{point.mean:.1f}"]
            yield [model, str(steps), point.label, *cells, f"{gain.mean:+.1f} ({gain.low:+.1f} to {gain.high:+.1f})"]


def _point(run: dict[str, Any]) -> Point:
    cost, mean = statistics.fmean(run["computed"]), statistics.fmean(run["psnr"])
    return Point(run["schedule"], cost, mean, tuple(run["psnr"]))


def speed_table(folder: Path) -> list[str]:
    """Return a row for each model, size and method that benchmarks/gpu timed; times are those of one step."""
    records = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    dense = {_place(each["what"]): each["result"] for each in records if each["what"]["method"] == "dense"}
    order = sorted(records, key=lambda r: (*_place(r["what"]), r["what"]["method"] != "dense", r["what"]["method"]))

    def cells(record: dict[str, Any]) -> list[str]:
        what, result = record["what"], record["result"]
        speedup = dense[_place(what)]["generation_ms"] / result["generation_ms"]
        where = [what["model"], str(what["pixels"]), f"{result['tokens']:,}", what["method"]]
        memory = f"{result['peak_bytes'] / 2**30:.1f}"
        return [*where, f"{result['compute']:.2f}", *_steps(result["ms"]), f"{speedup:.2f}", memory]

    steps = ["dense step, ms", "matching step, ms", "reduced step, ms"]
    head = ["model", "pixels", "tokens", "method", "compute", *steps, "speedup", "GiB"]
    return markdown(head, *map(cells, order))


def _steps(times: dict[str, Any]) -> list[str]:
    """Write the median times of dense, of matching and of reduced steps; those that match and reduce are reduced."""
    reduced = [phase for phase in times if "reduce" in phase]
    return [f"{times[p]['median']:.3g}" if p in times else "" for p in ("dense", "match", *(reduced or ["reduce"]))]


def _place(what: dict[str, Any]) -> tuple[str, int]:
    return what["model"], what["pixels"]


ERRORS = {
    "last": "last output",
    "line_noise": "line over noise",
    "line": "line over log SNR",
    "parabola": "parabola over log SNR",
    "best": "best line there is",
}


def errors_table(results: dict[str, Any]) -> list[str]:
    """Return how far forecasts miss on each model, and how their errors lie."""

    def cells(row: dict[str, Any]) -> list[str]:
        levels = [f"{row[name]:.1f}" for name in ERRORS]
        shares = [f"{row[name]:.2f}" for name in ("worst_quarter", "worst_half", "neighbours")]
        return [row["model"], str(row["steps"]), str(row["interval"]), *levels, *shares]

    where = ["in the worst quarter", "in the worst half", "neighbours"]
    return markdown(["model", "steps", "one in", *ERRORS.values(), *where], *map(cells, results["rows"]))


def gains(results: Results, reference: str, name: str | None, kind: str = "gains") -> list[str]:
    """Return the lines of the tables that compare the runs with a reference, by a metric or by the first one."""
    metric = find_metric(results, name)
    (against,) = compare_runs(results, parse_references([reference]), metric).against
    lines: list[str] = []
    against = dataclasses.replace(against, curves=(), missing=()) if kind == "twins" else against
    for table in gain_tables(against, metric):
        rows = markdown(table.head, *table.rows) if table.rows else []
        reasons = [line for reason in table.missing for line in ("", f"Not compared: {reason}")]
        lines += [*([""] if lines else []), f"{table.title}:", "", *rows, *reasons]
    return lines


def ranges(results: Results, runs: str, without: Sequence[str], reference: str) -> list[list[str]]:
    """Return a row for each kind of comparison: how the differences of the named runs from a reference spread."""
    (named,), metric = parse_references([runs]), find_metric(results, None)
    labels = {
        row.label
        for row in results.rows
        if named.selects((row.method, row.params)) and row.params.keys().isdisjoint(without)
    }
    (against,) = compare_runs(results, parse_references([reference]), metric).against
    kinds = {"schedule": [each for each in against.twins if each.label in labels]}
    for axis in ("compute", "time"):
        kinds[axis] = [each for each in against.curves if each.label in labels and each.axis == axis]
    return [
        [results.model, f"equal {kind}", *_spread([each.difference for each in found], metric)]
        for kind, found in kinds.items()
        if found
    ]


def _spread(differences: Sequence[Paired], metric: Metric) -> list[str]:
    """Return how many differences there are, how many intervals lie above and below 0, and the spread of the means."""
    means = [difference.mean for difference in differences]
    sides = sum(d.low > 0 for d in differences), sum(d.high < 0 for d in differences)
    values = (f"{value:+.{metric.digits + 1}f}" for value in (min(means), statistics.median(means), max(means)))
    return [str(len(means)), *map(str, sides), *values]


def searches_table(results: dict[str, Any]) -> list[str]:
    """Return a row for each search at the cost of a preset."""
    head = ["model", "steps", "cost", "PSNR of it, dB", "found", "compute", "gain, dB", "search, generations"]
    rows = []
    for one in results["searches"]:
        cost = f"{one['preset']}, {one['preset_compute']:.2f}"
        gain = "{mean:+.1f} ({low:+.1f} to {high:+.1f})".format(**one["difference"])
        preset = f"{statistics.fmean(one['preset_psnr']):.1f}"
        found = [f"{one['compute']:.2f}", gain, f"{one['generations']:.0f}"]
        rows.append([one["model"], str(one["steps"]), cost, preset, one["found"], *found])
    return markdown(head, *rows)


def parts_table(results: dict[str, Any]) -> list[str]:
    """Return how many operations each part starts, before and now."""
    rows = ([what, str(counts["before"]), str(counts["now"])] for what, counts in results["operations"].items())
    return markdown(["what", "before", "now"], *rows)


def operations_table(results: dict[str, Any]) -> list[str]:
    """Return how many operations each method adds at a site, by phase, on each model."""
    counts = {(row["method"], row["phase"], row["model"]): row["operations"] for row in results["per_site"]}
    models = list(dict.fromkeys(model for _, _, model in counts))
    kinds = sorted({(method, phase) for method, phase, _ in counts})
    rows = ([*kind, *(f"{counts[*kind, m]:+.1f}" if (*kind, m) in counts else "" for m in models)] for kind in kinds)
    return markdown(["method", "step", *models], *rows)


def matches_table(results: dict[str, Any]) -> list[str]:
    """Return what is lost where matching is made cheaper."""
    rows = (
        [
            row["model"],
            row["method"],
            row["what"],
            f"{row['psnr']:.2f}",
            f"{row['difference']:+.2f} ± {row['interval']:.2f}",
        ]
        for row in results["rows"]
        if row["what"] != "as it is"
    )
    return markdown(["model", "method", "matches", "PSNR, dB", "against matches anew everywhere, dB"], *rows)


def graphs_table(results: dict[str, Any], by: str) -> list[str]:
    """Return in how many graphs a generation runs, block by block and as a whole, by "method" or by "family"."""
    over, columns = ("family", results["families"]) if by == "method" else ("method", results["methods"])
    cells = {(row[by], row[over], row["scope"]): _graphs(row) for row in results["graphs"]}
    columns = [column for column in columns if any(column == other for _, other, _ in cells)]
    rows = [
        [
            head,
            *(", ".join(filter(None, (cells.get((head, c, scope)) for scope in ("blocks", "whole")))) for c in columns),
        ]
        for head in dict.fromkeys(row[by] for row in results["graphs"] if row[over] in columns)
    ]
    return markdown([by, *columns], *rows)


def _graphs(row: dict[str, Any]) -> str:
    """Write how many graphs there are, and a dash where nothing is compiled: in models whose blocks no method knows."""
    if row["why"]:
        return "no"
    return f"{row['graphs']} + {row['added']}" if row["added"] else str(row["graphs"] or "-")


def table(results: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Return the lines of the table of a file, by what kind of file it is."""
    if "per_site" in results:
        return parts_table(results) if names else operations_table(results)
    if "kernels" in results:
        return markdown(["what", "kernels"], *([what, str(count)] for what, count in results["kernels"].items()))
    if "graphs" in results:
        return graphs_table(results, *names)
    if "width" in results:
        return time_table(results)
    if "choices" in results:
        return presets_table(results)
    if "searches" in results:
        return searches_table(results)
    if "bend" in results.get("runs", [{}])[0]:
        return bends_table(results)
    if "looks" in results.get("runs", [{}])[0]:
        return looking_table(results)
    if "curves" in results:
        return markdown(SUMMARY_HEAD, *summary(validate_analysis(results)))
    if "what" in results["rows"][0]:
        return matches_table(results)
    if "line_noise" in results["rows"][0]:
        return errors_table(results)
    return quality_table(validate(results), names)


def table_of(files: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the lines of the table of a file, or of several results files as one."""
    if len(files) > 1:
        return quality_table(functools.reduce(join_results, (read_results(RESULTS / file) for file in files)), names)
    return table(json.loads((RESULTS / files[0]).read_text()), names)


def filled(page: str) -> str:
    """Return a page with each of its tables made anew."""

    def block(match: re.Match[str]) -> str:
        head, file, names, tail = match.groups()
        return head + "\n".join(table_of(file.split("+"), names.split())) + "\n" + tail

    def brief_block(match: re.Match[str]) -> str:
        head, file, names, tail = match.groups()
        return head + "\n".join(brief_table(file.split("+"), names.split())) + "\n" + tail

    def gains_block(match: re.Match[str]) -> str:
        head, kind, file, reference, name, tail = match.groups()
        return head + "\n".join(gains(read_results(RESULTS / file), reference, name, kind)) + "\n" + tail

    def ranges_block(match: re.Match[str]) -> str:
        head, files, runs, without, reference, tail = match.groups()
        rows = [
            row
            for file in files.split(",")
            for row in ranges(read_results(RESULTS / file), runs, (without or "").split(","), reference)
        ]
        columns = ["model", "compared at", "runs", "above 0", "below 0", "least, dB", "median, dB", "greatest, dB"]
        return head + "\n".join(markdown(columns, *rows)) + "\n" + tail

    def measured_block(match: re.Match[str]) -> str:
        head, name, tail = match.groups()
        return head + "\n".join(measured_table(name)) + "\n" + tail

    def speed_block(match: re.Match[str]) -> str:
        head, folder, tail = match.groups()
        return head + "\n".join(speed_table(RESULTS / folder)) + "\n" + tail

    page = SPEED.sub(speed_block, MEASURED.sub(measured_block, page))
    return RANGES.sub(ranges_block, GAINS.sub(gains_block, BRIEF.sub(brief_block, BLOCK.sub(block, page))))


def landing(readme: str) -> str:
    """Return the front page of the docs: README's first screen."""
    screen = in_docs(readme.partition("\n## ")[0])
    return f"---\nhide: [navigation, toc]\n---\n\n{screen}"


def in_docs(page: str) -> str:
    """Return a page of the repository's root with its links as they are from `docs`."""
    return page.replace("](docs/", "](").replace("](CONTRIBUTING.md)", "](contributing.md)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a table is out of date")
    arguments = parser.parse_args()
    readme = ROOT / "README.md"
    pages = {path: filled(path.read_text()) for path in [readme, *sorted((ROOT / "docs").rglob("*.md"))]}
    pages[ROOT / "docs" / "index.md"] = landing(pages[readme])
    pages[ROOT / "docs" / "contributing.md"] = in_docs((ROOT / "CONTRIBUTING.md").read_text())
    stale = []
    for path, page in pages.items():
        if page != path.read_text():
            stale.append(str(path.relative_to(ROOT)))
            if not arguments.check:
                path.write_text(page)
    print(f"out of date: {', '.join(stale) or 'none'}")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
