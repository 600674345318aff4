"""Foreground PSNR against plain loops over pixels, and at its ends."""

from __future__ import annotations

import math

import pytest
import torch

from tokred import SpecError
from tokred.metrics import IDENTICAL_PSNR, psnr, psnr_foreground


def by_loops(picture: torch.Tensor, reference: torch.Tensor) -> float:
    """Measure one picture `[3, H, W]`, pixel by pixel."""
    x, y = picture.tolist(), reference.tolist()
    pixels = [(row, column) for row in range(reference.shape[1]) for column in range(reference.shape[2])]
    foreground = [(i, j) for i, j in pixels if any(1 - y[c][i][j] > 0.05 for c in range(3))]
    errors = [(x[c][i][j] - y[c][i][j]) ** 2 for i, j in foreground or pixels for c in range(3)]
    return 10 * math.log10(1 / (sum(errors) / len(errors)))


def test_equals_the_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(2, 6, 3, 7, 5, generator=generator)
    background = torch.rand(6, 1, 7, 5, generator=generator) < torch.linspace(0, 1, 6)[:, None, None, None]
    y = torch.where(background, 0.96 + 0.04 * y, y)  # from none of the pixels to all of them
    assert background[-1].all()
    expected = [by_loops(picture, reference) for picture, reference in zip(x, y, strict=True)]
    assert psnr_foreground(x, y).tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize(("value", "counts"), [(0.94, True), (0.96, False)])
def test_one_channel_makes_a_pixel_foreground(channel: int, value: float, counts: bool) -> None:
    """The reference has a certain foreground, which is met, and one doubtful pixel, which is missed."""
    reference = torch.ones(1, 3, 4, 4)
    reference[..., 0, 0] = 0
    reference[:, channel, 3, 3] = value
    picture = reference.clone()
    picture[..., 3, 3] = 0
    assert (psnr_foreground(picture, reference).item() < IDENTICAL_PSNR) == counts


def test_what_is_drawn_into_the_background_does_not_count() -> None:
    reference = torch.ones(1, 3, 4, 4)
    reference[..., :2, :] = 0.2
    picture = reference.clone()
    picture[..., 2:, :] = 0
    assert psnr_foreground(picture, reference).item() == IDENTICAL_PSNR
    assert psnr(picture, reference).item() < 10


def test_a_white_picture_and_one_without_white_are_measured_whole() -> None:
    picture = torch.rand(2, 3, 4, 4)
    reference = torch.stack((torch.ones(3, 4, 4), torch.full((3, 4, 4), 0.5)))
    assert torch.allclose(psnr_foreground(picture, reference), psnr(picture, reference))


def test_identical_pictures_give_the_constant() -> None:
    x = torch.rand(2, 3, 8, 8)
    assert psnr_foreground(x, x).tolist() == [IDENTICAL_PSNR] * 2


def test_pictures_are_checked() -> None:
    with pytest.raises(SpecError, match="must have the same shape"):
        psnr_foreground(torch.rand(1, 3, 4, 4), torch.rand(2, 3, 4, 4))
