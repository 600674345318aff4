"""Draw the row of pictures that README begins with: `python benchmarks/first_picture.py [SEED]`.

emoji-flux draws one prompt in 10 steps, densely and by each of the runs below, from the same seed. Above each picture
stand speedup and PSNR as the result files have them: over all of their pictures, of which this is one.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tokred.bench import join_results, parse_contenders, parse_references, read_results
from tokred.zoo.catalog import find_model
from tokred.zoo.load import load
from tokred.zoo.spread import asked

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "results" / "front" / "emoji-flux-10"
OUT = ROOT / "docs" / "pictures" / "first.webp"
RUNS = {
    "quality": "quality:",
    "balanced": "balanced:",
    "fast": "fast:",
    "TaylorSeer": "taylor_seer:interval=3,dense_first=2,order=1",
    "half the steps": "fewer_steps:share=0.5",
    "ToMeSD": "tomesd:ratio=0.25",
}


def main(seed: int) -> None:
    results = functools.reduce(
        join_results, (read_results(FOLDER / name) for name in ("results.json", "presets/results.json"))
    )
    model = find_model(results.model)
    pipe, steps = load(model), results.settings.steps
    figure = Figure(figsize=(2 * (1 + len(RUNS)), 2.55), layout="constrained")
    panels = figure.subplots(1, 1 + len(RUNS))
    (prompt,) = asked(model.classes, [seed])
    draw(panels[0], f"dense\n{prompt}", model.draw(pipe, [prompt], [seed], steps)[0])
    for panel, (name, text) in zip(panels[1:], RUNS.items(), strict=True):
        (contender,), (named,) = parse_contenders([text]), parse_references([text.removesuffix(":")])
        row = next(row for row in results.rows if named.selects((row.method, row.params)))
        with contender.applied(pipe):
            picture = model.draw(pipe, [prompt], [seed], contender.steps(steps))[0]
        draw(panel, f"{name}\n{1 / row.time_ratio.median:.1f}x, {row.scores['psnr'].mean:.0f} dB", picture)
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, dpi=100)


def draw(panel: Any, title: str, picture: Any) -> None:
    panel.set_axis_off()
    panel.set_title(title, fontsize=14)
    panel.imshow(picture.permute(1, 2, 0).numpy(), interpolation="nearest", vmin=0, vmax=1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 127)
