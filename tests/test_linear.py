"""The linear form against plain loops."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokred import LinearReduction, SpecError


@st.composite
def cases(draw: st.DrawFn) -> LinearReduction:
    """Random weights: T tiles of n tokens with k destinations each, of tokens in random order."""
    count, n = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    k, rows = draw(st.integers(1, n)), draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    tiles = torch.randperm(count * n, generator=generator).view(count, n)
    dst = torch.rand(rows, count, n, generator=generator).argsort(dim=2)[:, :, :k]
    down = torch.randn(rows, count, k, n, generator=generator).softmax(dim=3)
    up = torch.randn(rows, count, n, k, generator=generator).softmax(dim=3)
    short = draw(st.integers(0, count)) if k > 1 else 0
    down[:, :short, -1], up[:, :short, :, -1] = 0, 0
    return LinearReduction.from_weights(tiles, dst, down, up, short)


def destinations(reduction: LinearReduction) -> list[list[int]]:
    """For each tile, the places of its destinations among those of all."""
    short, found, start = reduction.down.shape[1] * reduction.down.shape[2] - reduction.computed, [], 0
    for t in range(len(reduction.tiles)):
        count = reduction.down.shape[2] - (t < short)
        found.append(list(range(start, start + count)))
        start += count
    return found


def merge_by_loops(reduction: LinearReduction, x: torch.Tensor, row: int) -> list[torch.Tensor]:
    """Each destination's weighted sum of one sample `[N, C]`, tile by tile."""
    merged = []
    weights = reduction.down[row].double().tolist()
    for tile, lines, own in zip(reduction.tiles.tolist(), weights, destinations(reduction), strict=True):
        merged += [sum(w * x[t] for w, t in zip(line, tile, strict=True)) for line in lines[: len(own)]]
    return merged


def unmerge_by_loops(reduction: LinearReduction, y: torch.Tensor, row: int) -> list[torch.Tensor]:
    """Each token's weighted sum of its tile's destinations `[K, C]`."""
    full = [torch.empty(0)] * reduction.tokens
    for t, (tile, own) in enumerate(zip(reduction.tiles.tolist(), destinations(reduction), strict=True)):
        for i, token in enumerate(tile):
            weights = reduction.up[row, t, i].double().tolist()
            full[token] = sum(weights[j] * y[place] for j, place in enumerate(own))
    return full


@given(cases())
def test_merge_and_unmerge_equal_plain_loops(reduction: LinearReduction) -> None:
    rows = len(reduction.kept)
    x = torch.randn(rows, reduction.tokens, 3, dtype=torch.float64)
    merged = reduction.merge(x, "mean")
    back, kept = reduction.unmerge(merged), reduction.merge(x)
    for row in range(rows):
        torch.testing.assert_close(merged[row], torch.stack(merge_by_loops(reduction, x[row], row)))
        torch.testing.assert_close(back[row], torch.stack(unmerge_by_loops(reduction, merged[row], row)))
        assert torch.equal(kept[row], x[row, reduction.kept[row]])


@given(cases())
def test_the_index_form_says_which_destination_counts_most(reduction: LinearReduction) -> None:
    for row, kept in enumerate(reduction.kept.tolist()):
        for t, (tile, places) in enumerate(zip(reduction.tiles.tolist(), destinations(reduction), strict=True)):
            own = [kept[place] for place in places]
            assert set(own) <= set(tile)
            for i, token in enumerate(tile):
                heaviest = own[reduction.up[row, t, i, : len(own)].argmax()]
                assert reduction.follows[row, token] == (token if token in own else heaviest)
        assert reduction.sizes[row].tolist() == [reduction.follows[row].tolist().count(d) for d in kept]
        assert reduction.is_kept[row].nonzero()[:, 0].tolist() == sorted(kept)
    assert (reduction.tokens, reduction.computed) == (reduction.tiles.numel(), len(reduction.kept[0]))


@given(cases(), st.sampled_from([torch.float32, torch.float16, torch.bfloat16]))
def test_constant_tokens_stay_constant(reduction: LinearReduction, dtype: torch.dtype) -> None:
    whole = reduction.up.sum(dim=3, keepdim=True)
    reduction = dataclasses.replace(reduction, up=reduction.up / whole)
    x = torch.full((len(reduction.kept), reduction.tokens, 2), 1.7, dtype=dtype)
    merged = reduction.merge(x, "mean")
    assert merged.dtype == dtype
    for values in (merged, reduction.unmerge(merged)):
        torch.testing.assert_close(values, x[:, : values.shape[1]], rtol=1.3e-6, atol=0)


def test_one_correspondence_serves_a_whole_batch() -> None:
    tiles, dst = torch.tensor([[0, 2], [1, 3]]), torch.tensor([[[1], [0]]])
    shared = LinearReduction.from_weights(tiles, dst, torch.rand(1, 2, 1, 2), torch.rand(1, 2, 2, 1))
    x = torch.randn(3, 4, 2)
    assert shared.kept.tolist() == [[2, 1]]
    each = torch.cat([shared.unmerge(shared.merge(sample[None], "mean")) for sample in x])
    torch.testing.assert_close(shared.unmerge(shared.merge(x, "mean")), each)


def test_gradients_reach_every_token() -> None:
    tiles, dst = torch.tensor([[0, 2], [1, 3]]), torch.tensor([[[1], [0]]])
    reduction = LinearReduction.from_weights(tiles, dst, torch.rand(1, 2, 1, 2), torch.rand(1, 2, 2, 1))
    x = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: reduction.unmerge(reduction.merge(t, "mean")), x)


def test_a_mode_without_meaning_for_weights_is_named() -> None:
    tiles, dst = torch.tensor([[0, 1]]), torch.tensor([[[0]]])
    reduction = LinearReduction.from_weights(tiles, dst, torch.ones(1, 1, 1, 2) / 2, torch.ones(1, 1, 2, 1))
    with pytest.raises(SpecError, match="merge='mlerp' is not a way to merge by weights. Allowed: prune, mean"):
        reduction.merge(torch.zeros(1, 2, 1), "mlerp")
