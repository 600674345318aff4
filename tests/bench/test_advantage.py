"""How far tokred's own methods lie above groups of others, and the page that says so."""

from __future__ import annotations

import dataclasses
import sys
from types import ModuleType
from typing import Any

import pytest
from bench.made import made_results, made_row
from bench.scripts import load_script

from tokred.bench.result import Row
from tokred.errors import SpecError


@pytest.fixture(scope="module")
def advantage() -> ModuleType:
    return load_script("advantage")


def row(name: str, time: float, psnr: float, **params: Any) -> Row:
    return made_row(name, params, compute=time - 0.1, time=time, values=[psnr - 1, psnr + 1])


def baseline(time: float, psnr: float, **params: Any) -> Row:
    return dataclasses.replace(row("taylor_seer", time, psnr, **params), kind="baseline")


def found(advantage: ModuleType, *rows: Row) -> list[Any]:
    results = dataclasses.replace(made_results(*rows), model="emoji-dit")
    return list(advantage.compare(results))


def test_groups(advantage: ModuleType) -> None:
    own = [row("quality", 0.5, 30), row("delta", 0.5, 30), row("step_cache", 0.5, 30)]
    kinds = {
        "baseline": [baseline(0.5, 30)],
        "published": [row("dito", 0.5, 30), row("tomesd", 0.5, 30)],
        "neither": own,
    }
    for kind, rows in kinds.items():
        for each in rows:
            assert advantage.is_baseline(each) == (kind == "baseline")
            assert advantage.is_published(each) == (kind == "published")


def test_against_the_line_between_two_baselines(advantage: ModuleType) -> None:
    cheap, dear = baseline(0.4, 30), baseline(0.8, 40, interval=3)
    worse, own = baseline(0.7, 20, interval=4), row("balanced", 0.5, 35)
    (at_time,) = [a for a in found(advantage, cheap, dear, worse, own) if (a.group, a.axis) == ("baselines", "time")]
    assert at_time.difference.mean == pytest.approx(35 - (30 + 10 / 4))
    assert at_time.best == (cheap.label, dear.label)
    assert (at_time.tokens, at_time.steps, at_time.cost) == (256, 1, 0.5)


def test_above_the_dearest_its_best_counts_and_at_any_cost_always(advantage: ModuleType) -> None:
    compared = found(advantage, baseline(0.4, 30), row("fast", 0.9, 35))
    assert all(a.difference.mean == pytest.approx(5) for a in compared if a.group == "baselines")


def test_a_baseline_that_costs_hardly_more_costs_as_much(advantage: ModuleType) -> None:
    rows = baseline(0.5, 30), baseline(0.504, 34, interval=3), baseline(0.9, 40, interval=2), row("balanced", 0.5, 35)
    (at_time,) = [a for a in found(advantage, *rows) if (a.group, a.axis) == ("baselines", "time")]
    assert at_time.difference.mean == pytest.approx(35 - 34)


def test_what_is_cheaper_than_all_is_not_compared(advantage: ModuleType) -> None:
    cheapest = baseline(0.4, 30)
    by_axis = {a.axis: a for a in found(advantage, cheapest, row("fast", 0.3, 35)) if a.group == "baselines"}
    assert isinstance(by_axis["time"], advantage.Cheaper)
    assert (by_axis["time"].cheapest, by_axis["time"].its_cost) == (cheapest.label, 0.4)
    assert by_axis["any"].difference.mean == pytest.approx(5)


def test_a_baseline_that_skips_nothing_takes_no_part(advantage: ModuleType) -> None:
    dense = dataclasses.replace(made_row("taylor_seer", {"interval": 9}, 1.0, 1.0, [100.0, 100.0]), kind="baseline")
    compared = found(advantage, baseline(0.4, 30), dense, row("fast", 0.9, 35))
    assert all(a.difference.mean == pytest.approx(5) for a in compared)


def test_a_group_without_runs_is_left_out(advantage: ModuleType) -> None:
    assert {a.group for a in found(advantage, baseline(0.4, 30), row("fast", 0.9, 35))} == {"baselines"}


def test_the_table_has_a_cell_for_each_number_of_steps(advantage: ModuleType) -> None:
    compared = found(advantage, baseline(0.4, 30), row("fast", 0.9, 35), row("balanced", 0.3, 30))
    advantages = advantage.Advantages(tuple(a for a in compared if isinstance(a, advantage.Advantage)), (), ())
    head, _, *rows = advantage.table(advantages, "baselines", "time")
    assert head == "| model | tokens | method | 1 steps |"
    assert rows[1:] == ["| emoji-dit | 256 | balanced | - |", "| emoji-dit | 256 | fast | +5.0 (+5.0 to +5.0) |"]


def test_the_page_says_what_the_results_do(
    advantage: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["advantage.py", "--check"])
    assert advantage.main() == 0, capsys.readouterr().out


def test_what_was_tuned_is_compared_with_baselines_of_another_file(advantage: ModuleType) -> None:
    measured = dataclasses.replace(made_results(baseline(0.4, 30), baseline(0.8, 40)), model="emoji-dit")
    tuned = dataclasses.replace(made_results(row("step_cache", 0.6, 37), row("delta", 0.3, 29)), model="emoji-dit")
    dear, cheap = (one for one in advantage.compare_tuned(tuned, measured) if one.axis == "compute")
    assert dear.difference.mean == pytest.approx(37 - 35)
    assert isinstance(cheap, advantage.Cheaper)
    table = advantage.tuned_table(advantage.Advantages((), (), (dear, cheap)), "compute")
    assert table[2] == "| emoji-dit | 1 | step_cache | 0.50 | +2.0 (+2.0 to +2.0) |"
    assert table[3].endswith("| 0.20 | - |")


def test_what_was_tuned_has_the_samples_of_the_baselines(advantage: ModuleType) -> None:
    measured = dataclasses.replace(made_results(baseline(0.4, 30)), model="emoji-dit")
    with pytest.raises(SpecError, match="emoji-sd3"):
        list(advantage.compare_tuned(dataclasses.replace(measured, model="emoji-sd3"), measured))
