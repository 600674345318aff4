"""Gradient energy on a grid's lines against plain loops, and what it must say of pictures that are known."""

from __future__ import annotations

import pytest
import torch

from tokred import SpecError
from tokred.analysis import blocking


def by_loops(picture: list[list[list[float]]], period: int) -> float:
    on, off = [], []
    for channel in picture:
        for y, row in enumerate(channel):
            for x, value in enumerate(row):
                if x:
                    (off if x % period else on).append((value - row[x - 1]) ** 2)
                if y:
                    (off if y % period else on).append((value - channel[y - 1][x]) ** 2)
    return (sum(on) / len(on)) / (sum(off) / len(off))


@pytest.mark.parametrize("seed", range(50))
def test_equals_plain_loops(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.rand(2, 1 + seed % 3, 5 + seed % 4, 4 + seed % 5, generator=generator)
    period = 2 + seed % 2
    assert blocking(pictures, period).tolist() == pytest.approx([by_loops(p.tolist(), period) for p in pictures])


def test_blocks_show_on_their_own_lines_and_those_of_halves() -> None:
    blocks = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    picture = torch.nn.functional.interpolate(blocks, scale_factor=8, mode="nearest")
    noisy = picture + 0.01 * torch.rand(1, 3, 32, 32)
    assert blocking(noisy, 8) > 1000
    assert blocking(noisy, 4) > blocking(noisy, 16) / 100
    assert blocking(noisy[..., 3:, 3:], 8) < 1, "lines that are elsewhere do not count"


def test_noise_and_flat_pictures_have_no_grid() -> None:
    noise = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert blocking(noise, 4).tolist() == pytest.approx([1] * 4, abs=0.1)
    assert blocking(torch.full((2, 3, 8, 8), 0.3), 4).tolist() == [1, 1]


@pytest.mark.parametrize("period", [0, 1, 8])
def test_period_without_lines_or_rest_is_refused(period: int) -> None:
    with pytest.raises(SpecError, match=rf"period={period} must be at least 2 pixels, and less than the height"):
        blocking(torch.rand(1, 3, 8, 8), period)
