"""What a benchmark finds on networks whose answers are known."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable

import pytest
import torch
from bench.recorder import Recorder
from bench.tiny import NAME, PICTURES, WRONG, TinySubject

import tokred
from tokred.bench import Results, Settings, line_up, making, run_bench
from tokred.bench.classifying import ClassifyingSubject
from tokred.bench.measure import count_flops
from tokred.bench.result import Row
from tokred.engine.token_map import token_map
from tokred.errors import ConflictError


def small(subject: TinySubject, *texts: str, view: Recorder | None = None) -> Results:
    return run_bench(subject, line_up(subject, texts), subject.settings(steps=3, samples=2, pairs=1), view)


def by_label(results: Results) -> dict[str, Row]:
    return {row.label: row for row in results.rows}


def without_times(results: Results) -> list[dict[str, object]]:
    return [
        dataclasses.asdict(row) | {"time_ratio": None, "seconds": None, "samples_per_second": None}
        for row in results.rows
    ]


def test_rows_are_the_contenders_in_order(results: Results, view: Recorder) -> None:
    assert [(row.kind, row.label) for row in results.rows] == [
        ("method", "dito ratio=0.5 interval=2"),
        ("method", "dito ratio=0.5"),
        ("method", "dito ratio=0.75"),
        ("method", "tomesd ratio=0.5"),
        ("baseline", "fewer_steps share=0.5"),
        ("method", "step_cache interval=3"),
    ]
    assert tuple(view.rows) == results.rows
    assert (results.model, results.schema, results.left_out) == (NAME, 3, ())


def test_pictures_are_measured_against_the_dense_ones_alone(results: Results) -> None:
    assert list(results.rows[0].scores) == ["psnr", "psnr_foreground", "ssim", "lpips"]
    assert results.dense.scores == {}


def test_a_classifier_is_measured_against_the_truth_as_well(
    classifier_run: tuple[Results, Recorder], classifier: ClassifyingSubject
) -> None:
    results, view = classifier_run
    assert results.dense.scores.keys() == {"top1"}
    assert results.dense.scores["top1"].values == tuple(float(i not in WRONG) for i in range(PICTURES))
    assert results.settings.steps == 1
    seeds = list(range(PICTURES))
    with tokred.apply(classifier.model, "random", ratio=0.75):
        ranked = classifier.generate(seeds, 1).argmax(dim=1)
    dense, truth = classifier.generate(seeds, 1).argmax(dim=1), classifier.truth(seeds)
    scores = by_label(results)["random ratio=0.75"].scores
    assert scores["top1"].values == tuple((ranked == truth).float().tolist())
    assert scores["agreement"].values == tuple((ranked == dense).float().tolist())
    assert scores["agreement"].mean < 1
    assert view.exhibits == []


def test_what_is_left_out_is_told_first_and_recorded(classifier_run: tuple[Results, Recorder]) -> None:
    results, view = classifier_run
    assert {x.label.split()[0] for x in results.left_out} >= {"dito", "fewer_steps", "step_cache"}
    assert (view.not_compared, view.reference.scores) == (results.left_out, results.dense.scores)
    assert view.order[:4] == ["left_out", "begin", "dense", "row"]


@pytest.mark.parametrize("which", ["bench_run", "classifier_run"])
def test_progress_ends_where_it_said(request: pytest.FixtureRequest, which: str) -> None:
    view = request.getfixturevalue(which)[1]
    assert len(view.done) == view.generations
    assert set(view.done) == {"dense"} | {row.label for row in view.rows}


def test_baselines_count_their_calls(results: Results) -> None:
    rows = by_label(results)
    assert rows["fewer_steps share=0.5"].compute == pytest.approx(3 / 6)
    assert rows["step_cache interval=3"].compute == pytest.approx(2 / 6)
    assert rows["fewer_steps share=0.5"].site_compute is None


def test_compute_counts_the_whole_generation_with_matching(
    results: Results, subject: TinySubject, settings: Settings
) -> None:
    row = by_label(results)["tomesd ratio=0.5"]
    dense = count_flops(lambda: subject.generate([5], settings.steps))
    with tokred.apply(subject.model, "tomesd", ratio=0.5) as run:
        reduced = count_flops(lambda: subject.generate([5], settings.steps))
        sites = run.report().compute
    assert results.dense.flops == dense
    assert row.compute == reduced / dense
    assert row.site_compute == sites < row.compute < 1


def test_values_are_those_of_each_sample_alone(results: Results, subject: TinySubject, settings: Settings) -> None:
    """Samples 0 and 8, of two batches, drawn here one by one with `apply` and measured by the formula of PSNR."""
    row = by_label(results)["dito ratio=0.5 interval=2"]
    for index in (0, 8):
        dense = subject.generate([5 + index], settings.steps)
        with tokred.apply(subject.model, "dito", ratio=0.5, interval=2):
            reduced = subject.generate([5 + index], settings.steps)
        error = (dense - reduced).double().square().mean().item()
        assert row.scores["psnr"].values[index] == pytest.approx(-10 * math.log10(error), abs=1e-3)


def test_exhibits_show_the_first_pictures(view: Recorder, subject: TinySubject, settings: Settings) -> None:
    dense, first = view.exhibits[:2]
    assert (dense.label, dense.values, dense.tokens) == ("dense", (), ())
    assert torch.equal(dense.pictures, subject.generate(settings.seeds[:8], settings.steps))
    assert first.values == view.rows[0].scores["psnr"].values[:8]
    with tokred.apply(subject.model, "dito", ratio=0.5, interval=2) as run:
        subject.generate(settings.seeds[:1], settings.steps)
        alone = token_map(run)
    assert first.removed is not None
    assert alone is not None
    assert torch.equal(first.removed.kept, alone.kept)
    assert [shown.step for shown in first.tokens] == list(range(settings.steps))
    assert [e.name for e in view.exhibits if e.removed is None] == ["dense", "fewer_steps", "step_cache"]


def test_time_is_taken_in_turns_on_the_same_seeds(settings: Settings) -> None:
    subject = TinySubject()
    results = run_bench(subject, line_up(subject, ["fewer_steps:share=0.5"]), settings)
    assert subject.asked[-6:] == [(settings.seeds[:2], steps) for steps in (6, 3) * 3]
    ratio = results.rows[0].time_ratio
    assert 0 < ratio.min <= ratio.median <= ratio.max


def test_time_is_a_share_of_dense_time(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = TinySubject()

    def seconds(generate: Callable[[], object]) -> float:
        generate()
        return float(subject.asked[-1][1])  # a second per step

    monkeypatch.setattr(making, "seconds", seconds)
    view = Recorder()
    results = small(subject, "fewer_steps:share=0.34", view=view)
    (row,) = results.rows
    assert row.time_ratio.median == pytest.approx(1 / 3)
    assert row.samples_per_second == 2  # a batch of two in one step
    assert (results.dense.seconds, results.dense.samples_per_second) == (3, pytest.approx(2 / 3))
    assert view.reference == results.dense


def test_the_dense_time_is_the_median_of_all_runs_and_of_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    subject, view = TinySubject(), Recorder()
    # Dense alone: one that does not count, then 1. A run: dense and cheaper that do not count, then dense and cheaper.
    times = iter([99.0, 1.0, 99.0, 99.0, 5.0, 4.0, 99.0, 99.0, 3.0, 1.0])
    monkeypatch.setattr(making, "seconds", lambda generate: next(times))
    results = small(subject, "fewer_steps:share=0.5", "fewer_steps:share=0.3", view=view)
    assert (view.reference.seconds, results.dense.seconds) == (1, 3)
    assert [row.samples_per_second for row in results.rows] == [0.5, 2]


def test_ratio_zero_is_the_dense_model() -> None:
    view = Recorder()
    with pytest.warns(UserWarning, match="reduced nothing"):
        (row,) = small(TinySubject(), "dito:ratio=0", view=view).rows
    dense, same = view.exhibits
    assert torch.equal(same.pictures, dense.pictures)
    assert (row.compute, row.site_compute) == (1, 1)
    assert [score.mean for score in row.scores.values()] == [100, 100, 1, 0]


def test_all_the_steps_are_the_dense_model() -> None:
    (row,) = small(TinySubject(), "fewer_steps:share=1").rows
    assert (row.compute, row.scores["psnr"].values) == (1, (100, 100))


def test_the_same_seeds_give_the_same_results() -> None:
    first, second = (small(TinySubject(), "tomesd:ratio=0.5", "random:ratio=0.5") for _ in range(2))
    assert without_times(first) == without_times(second)


def test_the_pipeline_is_given_back(subject: TinySubject, results: Results) -> None:
    assert results.rows
    assert all("forward" not in module.__dict__ for module in subject.model.transformer.modules())
    assert not {"step", "set_timesteps"} & subject.model.scheduler.__dict__.keys()


def test_a_model_that_was_patched_meanwhile_is_refused() -> None:
    subject = TinySubject()
    lineup = line_up(subject, ["dito"])
    settings = subject.settings(steps=3, samples=1, pairs=1)
    with tokred.apply(subject.model, "dito"), pytest.raises(ConflictError, match="already applied"):
        run_bench(subject, lineup, settings)


def test_outputs_that_cannot_be_measured_are_named() -> None:
    class Broken(TinySubject):
        def generate(self, seeds: object, steps: int) -> torch.Tensor:
            return super().generate(seeds, steps) * (1 if steps == 3 else float("nan"))  # type: ignore[arg-type]

    (failed,) = small(Broken(), "fewer_steps:share=0.5").failed
    assert re.search(r"SpecError: The outputs of 'fewer_steps share=0\.5' cannot be measured: .*nan", failed.error)
