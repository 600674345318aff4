"""What the panels show."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from demo.tiny_models import STEPS
from matplotlib.image import imread

from tokred import OutputError
from tokred.demo import Comparison, demo_figure, write_demo
from tokred.demo.figure import amplified


def panels(comparison: Comparison) -> dict[str, Any]:
    return {panel.get_label(): panel for panel in demo_figure(comparison).axes}


def shown(panel: Any) -> np.ndarray:
    return np.asarray(panel.images[0].get_array())


def array(picture: torch.Tensor) -> np.ndarray:
    return picture.permute(1, 2, 0).numpy()


def test_panels_hold_the_pictures_and_say_what_they_are(comparison: Comparison) -> None:
    drawn = panels(comparison)
    assert np.array_equal(shown(drawn["dense"]), array(comparison.dense))
    assert np.array_equal(shown(drawn["reduced"]), array(comparison.reduced))
    assert drawn["dense"].get_title() == f"dense\n{comparison.dense_seconds:.2f} s"
    assert drawn["reduced"].get_title().startswith(f"dito ratio=0.5\nPSNR {comparison.psnr:.1f} dB, ")


def test_the_difference_is_as_large_as_its_title_says(comparison: Comparison) -> None:
    panel = panels(comparison)["difference"]
    factor = int(panel.get_title().split()[-1])
    difference = np.abs(array(comparison.reduced) - array(comparison.dense))
    assert np.allclose(shown(panel), np.minimum(difference * factor, 1))


def test_removed_tokens_are_dark_and_kept_ones_as_they_were(comparison: Comparison) -> None:
    panel = panels(comparison)["tokens"]
    assert comparison.tokens is not None
    drawn, picture = shown(panel), array(comparison.reduced)
    for (row, column), kept in np.ndenumerate(comparison.tokens.kept.numpy()):
        token = np.s_[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert np.allclose(drawn[token], picture[token] * (1 if kept else 0.15))
    assert int((~comparison.tokens.kept).sum()) == comparison.tokens.kept.numel() // 2
    assert panel.get_title() == f"dark: removed at step 3,\nat {comparison.tokens.site}"


def test_a_bar_for_each_step(comparison: Comparison) -> None:
    panel = panels(comparison)["steps"]
    assert comparison.report.computed == {0: 1, 1: 0.5, 2: 1, 3: 0.5}
    assert [bar.get_height() for bar in panel.patches] == [1, 0.5] * (STEPS // 2)
    assert f"at {comparison.sites} sites ({comparison.compute:.2f} of the FLOPs)" in panel.get_title()


def test_without_a_match_the_steps_that_were_skipped_are_dark(comparison: Comparison) -> None:
    calls = [
        call._replace(removed=call.layout.image) if call.position.step == 3 else call
        for call in comparison.report.calls
    ]
    report = dataclasses.replace(comparison.report, calls=calls)
    panel = panels(dataclasses.replace(comparison, tokens=None, report=report))["tokens"]
    assert panel.get_title() == f"dark: 1 of {STEPS} steps\nwere skipped"
    assert [text.get_text() for text in panel.texts] == [str(step) for step in range(STEPS)]
    blue, *others, dark = [patch.get_facecolor() for patch in panel.patches]
    assert set(others) == {blue} != {dark}


@pytest.mark.parametrize(("most", "factor"), [(1.0, 1), (0.6, 1), (0.5, 2), (0.2, 4), (0.01, 64), (0.0, 1024)])
def test_a_difference_is_multiplied_as_far_as_it_fits(most: float, factor: int) -> None:
    found, product = amplified(torch.full((3, 4, 4), most))
    assert found == factor
    assert torch.allclose(product, torch.full((3, 4, 4), most * factor))


def test_one_pixel_does_not_keep_the_difference_small() -> None:
    difference = torch.full((3, 32, 32), 0.1)
    difference[:, 5, 5] = 1
    factor, product = amplified(difference)
    assert factor == 8
    assert product.max() == 1


def test_the_file_is_a_picture_that_is_written_whole(comparison: Comparison, tmp_path: Path) -> None:
    write_demo(comparison, tmp_path / "demo.png")
    height, width, _ = imread(tmp_path / "demo.png").shape
    assert (width, height) == (1650, 660)
    assert [path.name for path in tmp_path.iterdir()] == ["demo.png"]


def test_a_folder_that_is_not_there_is_refused(comparison: Comparison, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="demo.png cannot be written"):
        write_demo(comparison, tmp_path / "none" / "demo.png")
