"""Counted operations against arithmetic, and the order in which things are timed."""

from __future__ import annotations

import time

import torch

from tokred.bench.measure import count_flops, seconds, timed_pairs


def test_flops_of_a_product_and_an_attention() -> None:
    a, b = torch.rand(3, 4), torch.rand(4, 5)
    assert count_flops(lambda: a @ b) == 2 * 3 * 4 * 5
    q, k = torch.rand(1, 2, 6, 8), torch.rand(1, 2, 7, 8)
    assert count_flops(lambda: torch.nn.functional.scaled_dot_product_attention(q, k, k)) == 2 * 4 * 6 * 7 * 8


def test_seconds_are_seconds() -> None:
    assert 0.05 <= seconds(lambda: time.sleep(0.05)) < 1


def test_pairs_alternate_and_the_first_of_each_does_not_count() -> None:
    order: list[str] = []
    times = iter(range(100))

    def record(name: str) -> float:
        order.append(name)
        return next(times)

    assert timed_pairs(lambda: record("A"), lambda: record("B"), 3) == [(2, 3), (4, 5), (6, 7)]
    assert "".join(order) == "ABABABAB"
