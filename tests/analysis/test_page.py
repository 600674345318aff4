"""The page says what the data say, in both directions."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tokred.analysis import Analysis
from tokred.analysis.page import SUMMARY_HEAD, page, summary
from tokred.analysis.wording import by_direction, joined, verdict
from tokred.bench.result import Score


def moved(analysis: Analysis, name: str, centre: float, width: float) -> Analysis:
    """Put a contrast's values at `centre`, give or take `width`, at every lag."""
    values = (centre - width, centre, centre + width)
    entries = tuple(dataclasses.replace(entry, score=Score.of(values)) for entry in analysis.contrasts[name])
    return dataclasses.replace(analysis, contrasts=analysis.contrasts | {name: entries})


@pytest.mark.parametrize(
    ("name", "neutral", "above", "below", "level"),
    [
        ("outputs_minus_inputs", 0, "outputs persist more", "outputs persist less", "neither persists more"),
        ("earlier_outputs_minus_inputs_now", 0, "outputs say more", "outputs say less", "neither says more"),
        ("reused_over_fresh", 1, ": reused pairs are worse", ": reused pairs are better", "no difference is seen"),
        ("reused_over_inputs", 1, "the reused pairs are worse", "the reused pairs are better", "no difference is seen"),
    ],
)
def test_directions_come_from_the_data(
    analysis: Analysis, name: str, neutral: float, above: str, below: str, level: str
) -> None:
    more, less, even = (page(moved(analysis, name, neutral + shift, 0.1)) for shift in (0.5, -0.5, 0.0))
    assert [above in text for text in (more, less, even)] == [True, False, False]
    assert [below in text for text in (more, less, even)] == [False, True, False]
    assert level in even


def test_mixed_directions_are_each_said_with_their_lags(analysis: Analysis) -> None:
    first, second = (
        dataclasses.replace(c, score=Score.of([v] * 3))
        for c, v in zip(analysis.contrasts["reused_over_fresh"][1:], (2.0, 0.5), strict=True)
    )
    said = by_direction([first, second], 1, ("worse", "better", "same"), lambda score, digits: f"{score.mean:g}")
    assert said == "worse, 2 at lag 1; better, 0.5 at lag 4"


def test_the_penalty_is_judged_by_the_data(analysis: Analysis) -> None:
    off, on = analysis.penalties

    def said(shift: float) -> str:
        changed = dataclasses.replace(on, always=Score.of([v + shift for v in off.always.values]))
        return page(dataclasses.replace(analysis, penalties=(off, changed)))

    assert "always removed is higher, +0.250 (+0.250 to +0.250)" in said(0.25)
    assert "always removed is lower, -0.250" in said(-0.25)
    assert "always removed is not seen to differ, +0.000" in said(0.0)


def test_every_answer_says_n_and_every_plot_is_linked(analysis: Analysis) -> None:
    text = page(analysis)
    answers = re.findall(r"^\*\*Answer\*\*: .*$", text, re.MULTILINE)
    assert len(answers) == 6
    assert all("n = 3" in answer for answer in answers)
    assert set(re.findall(r"\((\w+)\.png\)", text)) == {
        "correlations",
        "layers",
        "pairs",
        "errors",
        "frequency",
        "failures",
    }
    assert "Called from Python, at commit" in text
    assert f"watched at all {len(analysis.watched.sites)} sites in {analysis.watched.blocks} blocks" in text


def test_numbers_are_those_of_the_analysis(analysis: Analysis) -> None:
    text = page(analysis)
    for name in ("outputs_pearson", "inputs_rank", "crossed_rank", "outputs_pmr", "inputs_pmr"):
        score = analysis.curves[name][-1].score
        assert f"{score.mean:.3f} ({score.low:.3f} to {score.high:.3f})" in text
    for failure in analysis.failures.worst:
        assert f"| {failure.seed} | {failure.asked} | {failure.psnr:.1f} |" in text


def test_summary_has_a_row_for_each_lag(analysis: Analysis) -> None:
    rows = summary(analysis)
    assert [row[2] for row in rows] == ["1", "4"]
    assert {len(row) for row in rows} == {len(SUMMARY_HEAD)}
    assert all(row[:2] == [analysis.model, "3"] for row in rows)


def test_small_words() -> None:
    assert verdict(Score(1, 0.5, 2, ()), 0, ("a", "b", "c")) == "a"
    assert verdict(Score(-1, -2, -0.5, ()), 0, ("a", "b", "c")) == "b"
    assert verdict(Score(0.1, 0, 0.2, ()), 0, ("a", "b", "c")) == "c"
    assert [joined(["x"]), joined(["x", "y", "z"])] == ["x", "x, y and z"]
