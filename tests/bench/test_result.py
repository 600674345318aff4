"""What holds of results, however they came about."""

from __future__ import annotations

import dataclasses

import pytest

from tokred.bench import Results
from tokred.bench.result import Score, TimeRatio
from tokred.errors import SpecError

ONE = Score(0.5, 0.5, 0.5, (0.5,))


def test_summaries() -> None:
    score = Score.of([1.0, 2.0, 6.0])
    assert (score.mean, score.values) == (3, (1, 2, 6))
    assert 1 <= score.low < 3 < score.high <= 6
    assert TimeRatio.of([0.5, 0.9, 0.6]) == TimeRatio(0.6, 0.5, 0.9)


def test_a_value_for_each_sample(results: Results) -> None:
    row = dataclasses.replace(results.rows[0], scores=results.rows[0].scores | {"ssim": ONE})
    with pytest.raises(SpecError, match="ssim of 'dito .*' has 1 values for 9 samples"):
        dataclasses.replace(results, rows=(row,))
    with pytest.raises(SpecError, match="top1 of 'dense' has 1 values for 9 samples"):
        dataclasses.replace(results, dense=dataclasses.replace(results.dense, scores={"top1": ONE}))


def test_rows_have_the_same_scores(results: Results) -> None:
    first, second, *_ = results.rows
    less = dataclasses.replace(second, scores={"psnr": second.scores["psnr"]})
    with pytest.raises(SpecError, match=r"'dito ratio=0\.5' has scores psnr\. All rows must have the same"):
        dataclasses.replace(results, rows=(first, less))


def test_rows_have_the_scores_of_the_dense_reference(results: Results) -> None:
    dense = dataclasses.replace(results.dense, scores={"top1": results.rows[0].scores["psnr"]})
    with pytest.raises(SpecError, match="has scores psnr, .* those of the dense reference among them"):
        dataclasses.replace(results, dense=dense)
