"""What a benchmark finds on a network whose answers are known."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import pytest
import torch
from bench.recorder import Recorder
from bench.tiny import NAME, TinySubject

import tokred
from tokred.bench import Results, Settings, parse_contenders, run_bench, runner
from tokred.bench.measure import count_flops
from tokred.bench.result import Row
from tokred.bench.tokens import token_map
from tokred.errors import ConflictError, SpecError
from tokred.zoo.dit import generate

SMALL = Settings.from_seed(0, steps=3, samples=2, pairs=1)


def by_label(results: Results) -> dict[str, Row]:
    return {row.label: row for row in results.rows}


def without_times(results: Results) -> list[dict[str, object]]:
    return [dataclasses.asdict(row) | {"time_ratio": None} for row in results.rows]


def test_rows_are_the_contenders_in_order(results: Results, view: Recorder) -> None:
    assert [(row.kind, row.label) for row in results.rows] == [
        ("method", "dito ratio=0.5 interval=2"),
        ("method", "dito ratio=0.5"),
        ("method", "dito ratio=0.75"),
        ("method", "tomesd ratio=0.5"),
        ("rival", "fewer_steps share=0.5"),
        ("rival", "step_cache interval=3"),
    ]
    assert tuple(view.rows) == results.rows
    assert (results.model, results.schema) == (NAME, 1)


def test_progress_ends_where_it_said(view: Recorder) -> None:
    assert len(view.done) == view.generations
    assert set(view.done) == {"dense"} | {row.label for row in view.rows}


def test_rivals_count_their_calls(results: Results) -> None:
    rows = by_label(results)
    assert rows["fewer_steps share=0.5"].compute == pytest.approx(3 / 6)
    assert rows["step_cache interval=3"].compute == pytest.approx(2 / 6)
    assert rows["fewer_steps share=0.5"].site_compute is None


def test_compute_counts_the_whole_generation_with_matching(
    results: Results, subject: TinySubject, settings: Settings
) -> None:
    row = by_label(results)["tomesd ratio=0.5"]
    dense = count_flops(lambda: subject.generate([5], settings.steps))
    with tokred.apply(subject.pipe, "tomesd", ratio=0.5) as run:
        reduced = count_flops(lambda: subject.generate([5], settings.steps))
        sites = run.report().compute
    assert results.dense.flops == dense
    assert row.compute == reduced / dense
    assert row.site_compute == sites < row.compute < 1


def test_values_are_those_of_each_sample_alone(results: Results, subject: TinySubject, settings: Settings) -> None:
    """Samples 0 and 8, of two batches, drawn here one by one with `apply` and measured by the formula of PSNR."""
    row = by_label(results)["dito ratio=0.5 interval=2"]
    for index in (0, 8):
        dense = generate(subject.pipe, [5 + index], settings.steps)
        with tokred.apply(subject.pipe, "dito", ratio=0.5, interval=2):
            reduced = generate(subject.pipe, [5 + index], settings.steps)
        error = (dense - reduced).double().square().mean().item()
        assert row.psnr.values[index] == pytest.approx(-10 * math.log10(error), abs=1e-3)


def test_exhibits_show_the_first_pictures(view: Recorder, subject: TinySubject, settings: Settings) -> None:
    dense, first = view.exhibits[:2]
    assert (dense.label, dense.psnr, dense.tokens) == ("dense", (), None)
    assert torch.equal(dense.pictures, generate(subject.pipe, settings.seeds[:8], settings.steps))
    assert first.psnr == view.rows[0].psnr.values[:8]
    with tokred.apply(subject.pipe, "dito", ratio=0.5, interval=2) as run:
        subject.generate(settings.seeds[:1], settings.steps)
        alone = token_map(run)
    assert first.tokens is not None
    assert alone is not None
    assert torch.equal(first.tokens.kept, alone.kept)
    assert [e.name for e in view.exhibits if e.tokens is None] == ["dense", "fewer_steps", "step_cache"]


def test_time_is_taken_in_turns_on_the_same_seeds(settings: Settings) -> None:
    subject = TinySubject()
    results = run_bench(subject, parse_contenders(["fewer_steps:share=0.5"]), settings)
    assert subject.asked[-6:] == [(settings.seeds[:2], steps) for steps in (6, 3) * 3]
    ratio = results.rows[0].time_ratio
    assert 0 < ratio.min <= ratio.median <= ratio.max
    assert results.dense.seconds > 0


def test_time_is_a_share_of_dense_time(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = TinySubject()

    def seconds(generate: Callable[[], object]) -> float:
        generate()
        return float(subject.asked[-1][1])  # a second per step

    monkeypatch.setattr(runner, "seconds", seconds)
    results = run_bench(subject, parse_contenders(["fewer_steps:share=0.34"]), SMALL)
    assert results.rows[0].time_ratio.median == pytest.approx(1 / 3)
    assert results.dense.seconds == 3


def test_ratio_zero_is_the_dense_model() -> None:
    view = Recorder()
    with pytest.warns(UserWarning, match="reduced nothing"):
        (row,) = run_bench(TinySubject(), parse_contenders(["dito:ratio=0"]), SMALL, view).rows
    dense, same = view.exhibits
    assert torch.equal(same.pictures, dense.pictures)
    assert (row.compute, row.site_compute, row.psnr.mean, row.ssim.mean, row.lpips.mean) == (1, 1, 100, 1, 0)


def test_all_the_steps_are_the_dense_model() -> None:
    (row,) = run_bench(TinySubject(), parse_contenders(["fewer_steps:share=1"]), SMALL).rows
    assert (row.compute, row.psnr.values) == (1, (100, 100))


def test_the_same_seeds_give_the_same_results() -> None:
    contenders = parse_contenders(["tomesd:ratio=0.5", "random:ratio=0.5"])
    first, second = (run_bench(TinySubject(), contenders, SMALL) for _ in range(2))
    assert without_times(first) == without_times(second)


def test_the_pipeline_is_given_back(subject: TinySubject, results: Results) -> None:
    assert results.rows
    assert all("forward" not in module.__dict__ for module in subject.pipe.transformer.modules())
    assert not {"step", "set_timesteps"} & subject.pipe.scheduler.__dict__.keys()


def test_what_does_not_fit_is_refused_before_anything_is_drawn() -> None:
    subject = TinySubject()
    with tokred.apply(subject.pipe, "dito"), pytest.raises(ConflictError, match="already applied"):
        run_bench(subject, parse_contenders(["fewer_steps:", "dito:"]), SMALL)
    assert subject.asked == []


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(SpecError, match="nothing to compare"):
        run_bench(TinySubject(), [], SMALL)


def test_pictures_that_cannot_be_compared_are_named() -> None:
    class Broken(TinySubject):
        def generate(self, seeds: object, steps: int) -> torch.Tensor:
            return super().generate(seeds, steps) * (1 if steps == 3 else float("nan"))

    with pytest.raises(SpecError, match=r"The pictures of 'fewer_steps share=0\.5' cannot be compared: .*nan"):
        run_bench(Broken(), parse_contenders(["fewer_steps:share=0.5"]), SMALL)
