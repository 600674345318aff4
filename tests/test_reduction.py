"""Reduction against plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokred import Reduction, SpecError


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, torch.Tensor, torch.Tensor]:
    """Random pairs: tokens N, sources and destinations `[B, r]`."""
    tokens = draw(st.integers(2, 24))
    r = draw(st.integers(0, tokens - 1))
    rows = draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    order = torch.stack([torch.randperm(tokens, generator=generator) for _ in range(rows)])
    src, kept = order[:, :r], order[:, r:]
    dst = kept.gather(1, torch.randint(tokens - r, (rows, r), generator=generator))
    return tokens, src, dst


def follow_by_loops(tokens: int, src: list[int], dst: list[int]) -> list[int]:
    """For each token, the token whose value it takes."""
    follows = list(range(tokens))
    for s, d in zip(src, dst, strict=True):
        follows[s] = d
    return follows


def mlerp_by_loops(group: torch.Tensor) -> torch.Tensor:
    """The direction of the mean of a group `[G, C]` at the length of its longest token."""
    rows = group.tolist()
    mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    longest = max(math.hypot(*row) for row in rows)
    return torch.tensor([value / math.hypot(*mean) * longest for value in mean], dtype=group.dtype)


@given(cases())
def test_fields_equal_plain_loops(case: tuple[int, torch.Tensor, torch.Tensor]) -> None:
    tokens, src, dst = case
    reduction = Reduction.from_pairs(tokens, src, dst)
    for row in range(len(src)):
        follows = follow_by_loops(tokens, src[row].tolist(), dst[row].tolist())
        kept = [t for t in range(tokens) if follows[t] == t]
        assert reduction.kept[row].tolist() == kept
        assert [kept[place] for place in reduction.assign[row].tolist()] == follows
        assert reduction.sizes[row].tolist() == [follows.count(t) for t in kept]
        assert reduction.is_kept[row].tolist() == [t in kept for t in range(tokens)]
        assert reduction.is_merged[row].tolist() == [follows.count(d) > 1 for d in follows]
    assert (reduction.tokens, reduction.computed) == (tokens, tokens - src.shape[1])


@given(cases(), st.sampled_from(["prune", "mean", "mlerp"]))
def test_merge_and_unmerge_equal_plain_loops(case: tuple[int, torch.Tensor, torch.Tensor], mode: str) -> None:
    tokens, src, dst = case
    reduction = Reduction.from_pairs(tokens, src, dst)
    x = torch.randn(len(src), tokens, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(tokens))
    merged = reduction.merge(x, mode)
    back = reduction.unmerge(merged)
    for row in range(len(src)):
        follows = follow_by_loops(tokens, src[row].tolist(), dst[row].tolist())
        for place, token in enumerate(reduction.kept[row].tolist()):
            group = [t for t in range(tokens) if follows[t] == token]
            expected = {"prune": x[row, token], "mean": x[row, group].mean(0), "mlerp": mlerp_by_loops(x[row, group])}[
                mode
            ]
            torch.testing.assert_close(merged[row, place], expected)
        for token in range(tokens):
            place = reduction.kept[row].tolist().index(follows[token])
            assert torch.equal(back[row, token], merged[row, place])


@given(cases())
def test_tokens_that_stand_for_others_weigh_more(case: tuple[int, torch.Tensor, torch.Tensor]) -> None:
    tokens, src, dst = case
    reduction = Reduction.from_pairs(tokens, src, dst)
    generator = torch.Generator().manual_seed(tokens)
    x = torch.randn(len(src), tokens, 3, dtype=torch.float64, generator=generator)
    sizes = torch.randint(1, 9, (len(src), tokens), generator=generator)
    merged, summed = reduction.merge(x, "weighted", sizes), reduction.pool_sizes(sizes)
    assert summed.dtype == torch.float32
    assert torch.equal(summed.sum(dim=1), sizes.sum(dim=1).float())
    for row in range(len(src)):
        follows = follow_by_loops(tokens, src[row].tolist(), dst[row].tolist())
        for place, token in enumerate(reduction.kept[row].tolist()):
            group = [t for t in range(tokens) if follows[t] == token]
            size = sum(sizes[row, t].item() for t in group)
            assert summed[row, place] == size
            expected = sum(sizes[row, t].item() * x[row, t] for t in group) / size
            torch.testing.assert_close(merged[row, place], expected)
    assert torch.equal(reduction.merge(x, "weighted"), reduction.merge(x, "mean"))
    assert torch.equal(reduction.pool_sizes(), reduction.sizes.float())


@given(cases(), st.integers(0, 99))
def test_kept_tokens_stand_in_the_order_that_is_asked_for(
    case: tuple[int, torch.Tensor, torch.Tensor], seed: int
) -> None:
    tokens, src, dst = case
    order = torch.randperm(tokens, generator=torch.Generator().manual_seed(seed))
    ordered, usual = Reduction.from_pairs(tokens, src, dst, order), Reduction.from_pairs(tokens, src, dst)
    for row in range(len(src)):
        assert ordered.kept[row].tolist() == [t for t in order.tolist() if t not in src[row]]
    assert torch.equal(ordered.follows, usual.follows)
    assert torch.equal(ordered.sizes.gather(1, ordered.assign), usual.sizes.gather(1, usual.assign))
    x = torch.randn(len(src), tokens, 2)
    assert torch.equal(ordered.unmerge(ordered.merge(x, "mean")), usual.unmerge(usual.merge(x, "mean")))


@pytest.mark.parametrize(("sized", "paired"), [(1, 3), (3, 1), (1, 1)])
def test_sizes_and_pairs_may_be_shared_by_the_batch(sized: int, paired: int) -> None:
    pairs = torch.tensor([[1, 4]] * paired), torch.tensor([[0, 0]] * paired)
    reduction, sizes = Reduction.from_pairs(6, *pairs), torch.tensor([[2, 1, 1, 3, 1, 1]] * sized)
    assert reduction.pool_sizes(sizes).tolist() == [[4, 1, 3, 1]] * max(sized, paired)
    x = torch.randn(3, 6, 2)
    torch.testing.assert_close(reduction.merge(x, "weighted", sizes)[:, 0], (2 * x[:, 0] + x[:, 1] + x[:, 4]) / 4)


@given(cases(), st.sampled_from([torch.float32, torch.float16, torch.bfloat16]))
def test_merging_constant_tokens_keeps_them(case: tuple[int, torch.Tensor, torch.Tensor], dtype: torch.dtype) -> None:
    tokens, src, dst = case
    x = torch.full((len(src), tokens, 2), 1.7, dtype=dtype)
    sizes = torch.arange(1, tokens + 1)[None]
    for mode in ("mean", "weighted", "mlerp"):
        merged = Reduction.from_pairs(tokens, src, dst).merge(x, mode, sizes)
        assert merged.dtype == dtype
        torch.testing.assert_close(merged, x[:, : tokens - src.shape[1]], rtol=1.3e-6, atol=0)  # half types exactly


@given(cases())
def test_unmerge_then_merge_is_the_identity(case: tuple[int, torch.Tensor, torch.Tensor]) -> None:
    tokens, src, dst = case
    reduction = Reduction.from_pairs(tokens, src, dst)
    y = torch.randn(len(src), reduction.computed, 2, dtype=torch.float64)
    assert torch.equal(reduction.merge(reduction.unmerge(y), "prune"), y)
    torch.testing.assert_close(reduction.merge(reduction.unmerge(y), "mean"), y)


def test_one_correspondence_serves_a_whole_batch() -> None:
    shared = Reduction.from_pairs(6, torch.tensor([[1, 4]]), torch.tensor([[0, 0]]))
    each = Reduction.from_pairs(6, torch.tensor([[1, 4]] * 3), torch.tensor([[0, 0]] * 3))
    x = torch.randn(3, 6, 2)
    for mode in ("prune", "mean", "mlerp"):
        assert torch.equal(shared.merge(x, mode), each.merge(x, mode))
    assert torch.equal(shared.unmerge(shared.merge(x)), each.unmerge(each.merge(x)))


def test_gradients_reach_every_token() -> None:
    reduction = Reduction.from_pairs(5, torch.tensor([[1, 3]]), torch.tensor([[0, 2]]))
    x = torch.randn(2, 5, 2, dtype=torch.float64, requires_grad=True)
    sizes = torch.tensor([[1, 3, 2, 1, 5]])
    for mode in ("mean", "weighted", "mlerp"):
        assert torch.autograd.gradcheck(lambda t, mode=mode: reduction.unmerge(reduction.merge(t, mode, sizes)), x)


def test_tokens_that_cancel_out_merge_to_zero() -> None:
    reduction = Reduction.from_pairs(2, torch.tensor([[1]]), torch.tensor([[0]]))
    assert reduction.merge(torch.tensor([[[1.0, 2.0], [-1.0, -2.0]]]), "mlerp").tolist() == [[[0.0, 0.0]]]


def test_unknown_merge_mode_is_named() -> None:
    reduction = Reduction.from_pairs(3, torch.tensor([[1]]), torch.tensor([[0]]))
    with pytest.raises(SpecError, match="merge='average' is not a way to merge. Allowed: prune, mean, weighted, mlerp"):
        reduction.merge(torch.zeros(1, 3, 1), "average")  # type: ignore[arg-type]
