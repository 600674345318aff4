"""Cells of the grid, and the steps that matchers share, against plain loops."""

from __future__ import annotations

import pytest
import torch
from plugins.by_loops import all_cells, make_case, most_similar, rows_of
from seeds import every_seed

from tokred import Layout
from tokred.parts import Cosine, all_but, cells_of, closest_pairs, count_cells


@pytest.mark.parametrize("grids", [((4, 4),), ((5, 7),), ((7, 3),), ((2, 3), (4, 6)), ((3, 9), (2, 5))])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3), (2, 1)])
def test_cells_are_those_of_plain_loops(grids: tuple[tuple[int, int], ...], stride: tuple[int, int]) -> None:
    layout = Layout(grids)
    expected = all_cells(layout, stride)
    assert cells_of(layout, stride).tolist() == expected
    every_picture = all(all_cells(Layout((grid,)), stride) for grid in grids)
    assert count_cells(layout, stride) == (len(expected) if every_picture else 0)


def test_a_picture_without_a_cell_counts_for_all() -> None:
    assert count_cells(Layout(((4, 4), (1, 4))), (2, 2)) == 0
    assert cells_of(Layout(((1, 4),)), (2, 2)).shape == (0, 4)


def test_the_other_tokens_are_listed_in_order() -> None:
    assert all_but(torch.tensor([[4, 0], [1, 2]]), 5).tolist() == [[1, 2, 3], [0, 3, 4]]


@every_seed
def test_pairs_with_each_samples_own_destinations_equal_plain_loops(seed: int) -> None:
    case = make_case(seed)
    tokens = case.layout.image
    count = case.integer(1, tokens - 1)
    order = torch.rand(len(case.x), tokens, generator=case.generator).argsort(dim=1)
    dst = order[:, :count].sort(dim=1).values
    r = case.integer(0, tokens - count)
    src, follows = closest_pairs(case.x, dst, r, Cosine())
    for sample in range(len(case.x)):
        others = [t for t in range(tokens) if t not in dst[sample].tolist()]
        expected = most_similar(rows_of(case.x[sample]), others, dst[sample].tolist(), r)
        assert dict(zip(src[sample].tolist(), follows[sample].tolist(), strict=True)) == expected
