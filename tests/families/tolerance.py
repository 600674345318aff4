"""How far two computations of the same thing may differ."""

from __future__ import annotations

import torch


def assert_same_computation(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """Assert that `actual` is `expected` but for the order of roundings.

    In float32 the defaults of `assert_close`. In bfloat16 its relative tolerance for one operation, 1.6e-2, taken twice
    and of the largest value: an entry that is a small difference of large ones carries their roundings, and two to four
    blocks of operations add up theirs. A dense run in bfloat16 is as far from one in float32 (1 % to 3 %).
    """
    if actual.dtype == torch.bfloat16:
        torch.testing.assert_close(actual, expected, rtol=1.6e-2, atol=3.2e-2 * expected.abs().max().item())
    else:
        torch.testing.assert_close(actual, expected)
