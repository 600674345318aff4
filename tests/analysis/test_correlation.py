import math

import pytest
import torch

from tokred.analysis.correlation import pearson, ranks


def by_loops(a: list[float], b: list[float]) -> float:
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    product = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return product / math.sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))


@pytest.mark.parametrize("seed", range(50))
def test_equal_plain_loops(seed: int) -> None:
    a, b = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed))
    rows = [(x.flatten().double().tolist(), y.flatten().double().tolist()) for x, y in zip(a, b, strict=True)]
    assert pearson(a, b).tolist() == pytest.approx([by_loops(x, y) for x, y in rows])
    ranked = [[[float(sorted(x).index(v)) for v in x] for x in row] for row in rows]
    assert pearson(ranks(a), ranks(b)).tolist() == pytest.approx([by_loops(x, y) for x, y in ranked])


def test_any_growing_function_keeps_the_ranks() -> None:
    a = torch.randn(2, 30)
    assert pearson(ranks(a), ranks(a.exp())).tolist() == pytest.approx([1.0, 1.0])
    assert pearson(ranks(a), ranks(-a)).tolist() == pytest.approx([-1.0, -1.0])
    assert pearson(a, a.exp()).max() < 0.99


def test_constant_scores_correlate_with_nothing() -> None:
    assert pearson(torch.ones(1, 4), torch.randn(1, 4)).tolist() == [0.0]


@pytest.mark.parametrize("value", [1.0, 0.1, 1 / 3])
def test_rounding_of_constant_scores_is_no_variation(value: float) -> None:
    scores = torch.full((1, 1000), value)
    assert pearson(scores, scores).tolist() == [0.0]


@pytest.mark.parametrize("seed", range(50))
def test_ties_share_the_mean_of_their_ranks(seed: int) -> None:
    x = torch.randint(0, 4, (2, 9), generator=torch.Generator().manual_seed(seed)).float()
    expected = [[sum(w < v for w in row) + (row.count(v) - 1) / 2 for v in row] for row in x.tolist()]
    assert ranks(x).tolist() == expected
