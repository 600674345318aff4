"""Draw the pictures of docs/pay.md: `python benchmarks/pay_pictures.py`.

A row for each run: what it draws from the first seeds of the measurement that the page shows, beside the dense
pictures, with compute and PSNR as the result files have them over all of their samples.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tokred.bench import Results, join_results, parse_contenders, parse_references, read_results
from tokred.bench.strip import as_picture
from tokred.zoo.catalog import find_model
from tokred.zoo.load import load

ROOT = Path(__file__).parents[1]
RESULTS, OUT = ROOT / "docs" / "results", ROOT / "docs" / "pictures"
CLIPS = {
    "quality": "quality:",
    "balanced": "balanced:",
    "TaylorSeer": "taylor_seer:interval=3,dense_first=2,order=1",
    "delta": "delta:ratio=0.9375,stride=4x4,interval=3,dense_first=2,gain=fitted,keys=recovered",
    "ToMeSD": "tomesd:ratio=0.25",
}
TURBO = {
    "delta, half of a step": "delta:program=D M 0.5 D,order=1",
    "three steps": "fewer_steps:share=0.75",
    "delta, a quarter of a step": "delta:program=D M 0.75 D,order=1",
    "a skipped step": "step_cache:program=D D 1 D,order=1",
    "ToMeSD": "tomesd:ratio=0.25",
}


def main() -> None:
    """Draw both."""
    write("clips", "front/emoji-clip-10", CLIPS, samples=2)
    write("turbo", "emoji-turbo", TURBO, samples=8)


def write(name: str, folder: str, runs: Mapping[str, str], samples: int) -> None:
    """Draw the first samples by each of `runs`, title and contender, into a picture called `name`."""
    results = read(RESULTS / folder)
    model, seeds, steps = find_model(results.model), results.settings.seeds[:samples], results.settings.steps
    pipe = load(model)
    rows: list[tuple[str, Any]] = [("dense", model.generate(pipe, seeds, steps))]
    for title, text in runs.items():
        (contender,), (named,) = parse_contenders([text]), parse_references([text.removesuffix(":")])
        row = next(row for row in results.rows if named.selects((row.method, row.params)))
        with contender.applied(pipe):
            drawn = model.generate(pipe, seeds, contender.steps(steps))
        rows.append((f"{title}\n{row.compute:.2f}, {row.scores['psnr'].mean:.0f} dB", drawn))
    wide = as_picture(rows[0][1][0]).shape[2] / as_picture(rows[0][1][0]).shape[1]
    figure = Figure(figsize=(1.6 + samples * wide, 1.02 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), 1 + samples, squeeze=False, width_ratios=[1.6, *[wide] * samples])
    for panels, (title, drawn) in zip(grid, rows, strict=True):
        panels[0].text(0, 0.5, title, va="center", fontsize=10)
        for panel in panels:
            panel.set_axis_off()
        for panel, made in zip(panels[1:], drawn, strict=True):
            panel.imshow(as_picture(made).permute(1, 2, 0).numpy(), interpolation="nearest", vmin=0, vmax=1)
    figure.savefig(OUT / f"{name}.webp", dpi=100)


def read(folder: Path) -> Results:
    """Read the results of a folder, with the parts that were measured beside them."""
    parts = sorted(folder.glob("*/results.json"))
    return functools.reduce(join_results, map(read_results, parts), read_results(folder / "results.json"))


if __name__ == "__main__":
    main()
