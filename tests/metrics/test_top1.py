"""What is measured on class scores, against plain loops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tokred import SpecError
from tokred.metrics import agreement, top1


def first(scores: list[float]) -> int:
    return max(range(len(scores)), key=scores.__getitem__)


def test_equal_the_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    scores, reference = torch.randn(2, 50, 4, generator=generator)
    classes = torch.randint(4, (50,), generator=generator)
    ranked, dense = ([first(row) for row in batch.tolist()] for batch in (scores, reference))
    right = [float(a == b) for a, b in zip(ranked, classes.tolist(), strict=True)]
    same = [float(a == b) for a, b in zip(ranked, dense, strict=True)]
    assert 0 < sum(right) < 50
    assert top1(scores, classes).tolist() == right
    assert agreement(scores, reference).tolist() == same
    assert agreement(scores, 3 * scores - 1).tolist() == [1.0] * 50


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (lambda: top1(torch.rand(4), torch.zeros(4)), r"scores must have shape \[B, K\], .* not \[4\]"),
        (lambda: top1(torch.rand(4, 2), torch.zeros(3)), r"scores \[4, 2\] and classes \[3\] must be of the same"),
        (lambda: top1(torch.tensor([[float("nan"), 1]]), torch.zeros(1)), "scores must be finite"),
        (lambda: agreement(torch.rand(4, 2), torch.rand(4, 3)), r"\[4, 2\] and reference \[4, 3\] must have the same"),
        (lambda: agreement(torch.rand(1, 2), torch.full((1, 2), float("inf"))), "reference must be finite"),
    ],
)
def test_what_is_wrong_is_refused(measure: Callable[[], torch.Tensor], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        measure()
