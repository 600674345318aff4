"""Rows of pictures, in the right places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from bench.recorder import Recorder

from tokred.bench import Metric
from tokred.bench.strip import middle_runs, strip_figure, write_strip
from tokred.bench.view import Exhibit


def exhibit(name: str, label: str) -> Exhibit:
    return Exhibit(name, label, torch.zeros(1, 3, 4, 4))


def test_the_middle_run_of_each() -> None:
    shown = [
        exhibit("dense", "dense"),
        *(exhibit("a", f"a {i}") for i in range(3)),
        exhibit("b", "b 0"),
        exhibit("b", "b 1"),
    ]
    assert [run.label for run in middle_runs(shown)] == ["dense", "a 1", "b 1"]


def test_panels_hold_pictures_their_values_and_the_tokens(view: Recorder, metrics: dict[str, Metric]) -> None:
    shown = middle_runs(view.exhibits)
    figure = strip_figure(shown, metrics["psnr"])
    grid = np.array(figure.axes, dtype=object).reshape(len(shown), 10)
    for row, run in zip(grid, shown, strict=True):
        drawn = [panel.images[0].get_array() for panel in row[1:9]]
        assert np.allclose(np.stack(drawn), run.pictures.permute(0, 2, 3, 1).numpy())
        assert [panel.get_title() for panel in row[1:9]] == [f"{v:.1f} dB" for v in run.values] or not run.values
        assert len(row[9].images) == (run.removed is not None)
    texts = [row[0].texts[0].get_text().splitlines() for row in grid]
    assert texts[0] == ["dense"]
    assert texts[1][:-1] == ["dito", "ratio=0.5"]
    mean = sum(shown[1].values) / len(shown[1].values)
    assert texts[1][-1] == f"PSNR {mean:.1f} dB"
    assert grid[1, 9].get_title().endswith("transformer_blocks.1.attn1")
    darkest = grid[1, 9].images[0].get_array()
    assert np.allclose(darkest, shown[1].removed.over(shown[1].pictures[0]).permute(1, 2, 0).numpy())  # type: ignore[union-attr]


def test_file(view: Recorder, metrics: dict[str, Metric], tmp_path: Path) -> None:
    path = write_strip(view.exhibits, metrics["psnr"], tmp_path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes().startswith(b"\x89PNG")
