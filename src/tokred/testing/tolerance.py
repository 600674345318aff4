"""How far two computations of the same thing may differ."""

from __future__ import annotations

import torch

RELATIVE = {torch.float32: 1.3e-6, torch.bfloat16: 1.6e-2}
ABSOLUTE = {torch.float32: 1e-5, torch.bfloat16: 3.2e-2}


def assert_same_computation(actual: torch.Tensor, expected: torch.Tensor, rounded: torch.dtype | None = None) -> None:
    """Assert that `actual` is `expected` but for the order of roundings.

    The relative tolerances are the defaults of `assert_close`. The absolute ones are for values of order 1 and grow
    with the largest value: an entry that is a small difference of large ones carries their roundings. In float32 it
    is the default as well. In bfloat16 it is twice the relative one, since the roundings of two to four blocks of
    operations add up; a dense run in bfloat16 is as far from one in float32 (1 % to 3 % of the largest value).

    Args:
        actual: one of the two.
        expected: the other, which says how large values are.
        rounded: what the model rounds to in between, where that is not the dtype of the two.
    """
    dtype = rounded or expected.dtype
    absolute = ABSOLUTE[dtype] * max(1.0, expected.abs().max().item())
    torch.testing.assert_close(actual, expected, rtol=RELATIVE[dtype], atol=absolute)
