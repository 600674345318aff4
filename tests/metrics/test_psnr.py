"""PSNR against its formula, and at its ends."""

from __future__ import annotations

import math

import pytest
import torch

from tokred.metrics import IDENTICAL_PSNR, psnr


def test_equals_the_formula() -> None:
    x, y = torch.rand(2, 4, 3, 7, 5, generator=torch.Generator().manual_seed(0))
    for value, a, b in zip(psnr(x, y).tolist(), x.flatten(1).tolist(), y.flatten(1).tolist(), strict=True):
        error = sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) / len(a)
        assert value == pytest.approx(10 * math.log10(1 / error), rel=1e-6)


def test_identical_pictures_give_the_constant() -> None:
    x = torch.rand(2, 3, 8, 8)
    assert IDENTICAL_PSNR == 100
    assert psnr(x, x).tolist() == [IDENTICAL_PSNR] * 2


def test_a_difference_too_small_to_matter_counts_as_none() -> None:
    black = torch.zeros(1, 3, 8, 8)
    assert psnr(black + 0.9e-5, black).item() == IDENTICAL_PSNR
    assert psnr(black + 1.1e-5, black).item() == pytest.approx(99.17, abs=0.01)


def test_black_against_white_is_zero() -> None:
    black = torch.zeros(1, 3, 8, 8)
    assert psnr(black, 1 - black).item() == 0
