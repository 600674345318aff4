"""What is recommended is what is best at its time, and can be copied."""

from __future__ import annotations

import dataclasses

from bench.made import made_results, made_row

from tokred.bench.comparing import compare_runs
from tokred.bench.measures import known_metric
from tokred.bench.reference import parse_references
from tokred.bench.taking import MOST, applied_by, front_of, what_to_take
from tokred.registry import build_method

PSNR = known_metric("psnr")
FAST = made_row("dito", {"ratio": 0.5, "stride": [2, 2], "keys": "full"}, 0.3, 0.4, (20, 22))
GOOD = made_row("balanced", {}, 0.5, 0.5, (30, 32))
WORSE = made_row("tomesd", {"ratio": 0.5}, 0.6, 0.6, (25, 27))
SLOW = made_row("tofu", {"ratio": 0.25}, 0.9, 1.1, (40, 42))
NOTHING = made_row("delta", {}, 1.0, 0.45, (100, 100))


def test_the_front_is_of_runs_that_reduced_something_and_saved_time() -> None:
    results = made_results(SLOW, NOTHING, WORSE, GOOD, FAST)
    assert front_of(results, PSNR, "time") == [FAST, GOOD]
    assert front_of(results, PSNR, "compute") == [FAST, GOOD, SLOW]
    head, *lines = what_to_take(results, PSNR)
    assert "by PSNR" in head
    assert lines == [
        '  2.50x, 0.4 s, 21.0 dB: tokred.apply(pipe, "dito", ratio=0.5, stride=(2, 2), keys="full")',
        '  2.00x, 0.5 s, 31.0 dB: tokred.apply(pipe, "balanced")',
    ]


def test_the_line_builds_the_method() -> None:
    line = applied_by(FAST).replace("tokred.apply", "apply")
    applied = eval(line, {"apply": lambda pipe, *given, **params: (given, params), "pipe": None})
    assert applied == (("dito",), {"ratio": 0.5, "stride": (2, 2), "keys": "full"})
    assert build_method(applied[0][0], applied[1]).name == "dito"
    baseline = dataclasses.replace(made_row("fewer_steps", {"share": 0.5}, 0.5, 0.5, (1, 1)), kind="baseline")
    assert applied_by(baseline) == "fewer_steps:share=0.5, a baseline"


def test_where_nothing_is_faster_the_dense_model_is_named() -> None:
    assert list(what_to_take(made_results(SLOW, NOTHING), PSNR)) == [
        "Nothing here is faster than the dense model: take that."
    ]


def test_a_long_front_is_thinned_to_both_ends() -> None:
    rows = [made_row("dito", {"ratio": n / 100}, n / 50, n / 50, (n, n)) for n in range(10, 40)]
    _, *lines = what_to_take(made_results(*rows), PSNR)
    assert len(lines) <= MOST + 1
    assert "ratio=0.1)" in lines[0]
    assert "ratio=0.39)" in lines[-1]


def test_a_run_that_reduced_nothing_is_compared_with_nothing() -> None:
    results = made_results(FAST, GOOD, NOTHING)
    (against,) = compare_runs(results, parse_references(["balanced"]), PSNR).against
    assert [each.why for each in against.missing if each.label == "delta"] == ["it reduced nothing"]
    assert "delta" not in {curve.label for curve in against.curves}
    (against,) = compare_runs(results, parse_references(["delta"]), PSNR).against
    assert {each.why for each in against.missing} == {"no run of delta reduced anything"}
    assert against.curves == ()
