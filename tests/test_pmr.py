"""The pair match ratio against plain loops."""

from __future__ import annotations

import pytest
import torch
from seeds import every_seed

from tokred import Reduction
from tokred.pmr import pair_match_ratio


def random_reduction(batch: int, tokens: int, r: int, generator: torch.Generator) -> Reduction:
    order = torch.stack([torch.randperm(tokens, generator=generator) for _ in range(batch)])
    kept = order[:, r:]
    place = torch.randint(kept.shape[1], (batch, r), generator=generator)
    return Reduction.from_pairs(tokens, order[:, :r], kept.gather(1, place))


@every_seed
def test_equals_plain_loops(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    batch, tokens = 1 + seed % 3, 4 + seed % 5
    r = 1 + seed % (tokens - 1)
    before, after = (random_reduction(batch, tokens, r, generator) for _ in range(2))
    expected = []
    for row in range(batch):
        pairs = [
            {(t, d) for t, d in enumerate(reduction.follows[row].tolist()) if t != d} for reduction in (before, after)
        ]
        assert len(pairs[0]) == r
        expected.append(len(pairs[0] & pairs[1]) / r)
    assert pair_match_ratio(before, after).tolist() == pytest.approx(expected)


def test_is_one_with_itself() -> None:
    reduction = random_reduction(2, 9, 5, torch.Generator().manual_seed(0))
    assert pair_match_ratio(reduction, reduction).tolist() == [1.0, 1.0]


def test_nothing_removed_is_found_again() -> None:
    everything = Reduction.from_pairs(4, torch.zeros(1, 0, dtype=torch.long), torch.zeros(1, 0, dtype=torch.long))
    assert pair_match_ratio(everything, everything).tolist() == [1.0]


def test_same_sources_into_other_destinations_do_not_count() -> None:
    src = torch.tensor([[0, 1]])
    before = Reduction.from_pairs(5, src, torch.tensor([[2, 3]]))
    after = Reduction.from_pairs(5, src, torch.tensor([[2, 4]]))
    assert pair_match_ratio(before, after).item() == 0.5
