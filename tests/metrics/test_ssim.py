"""SSIM against loops in float64, and against torchmetrics."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from tokred.metrics import ssim

Channel = npt.NDArray[np.float64]


def reference_ssim(x: Channel, y: Channel) -> float:
    """Average, over the pixels of one channel `[H, W]`, the SSIM of the reflected windows around them."""
    bell = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(bell, bell) / bell.sum() ** 2
    x_padded, y_padded = np.pad(x, 5, mode="reflect"), np.pad(y, 5, mode="reflect")
    values = []
    for row, column in np.ndindex(x.shape):
        a, b = (padded[row : row + 11, column : column + 11] for padded in (x_padded, y_padded))
        mean_a, mean_b = (window * a).sum(), (window * b).sum()
        var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
        covariance = (window * (a - mean_a) * (b - mean_b)).sum()
        luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
        values.append(luminance * (2 * covariance + 9e-4) / (var_a + var_b + 9e-4))
    return float(np.mean(values))


def pairs(kind: str, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two batches of three pictures that differ as `kind` says."""
    generator = torch.Generator().manual_seed(0)
    x, other = torch.rand(2, 3, 3, height, width, generator=generator)
    if kind == "flat":
        return torch.full_like(x, 0.9), torch.full_like(x, 0.8)
    return x, {"unrelated": other, "noisy": (x + 0.2 * other).clamp(max=1), "inverted": 1 - x}[kind]


@pytest.mark.parametrize("kind", ["unrelated", "noisy", "inverted", "flat"])
@pytest.mark.parametrize(("height", "width"), [(6, 6), (13, 9)])
def test_equals_the_loops(kind: str, height: int, width: int) -> None:
    x, y = pairs(kind, height, width)
    channels = (batch.double().numpy().reshape(-1, height, width) for batch in (x, y))
    expected = torch.tensor([reference_ssim(a, b) for a, b in zip(*channels, strict=True)]).view(3, 3).mean(dim=1)
    torch.testing.assert_close(ssim(x, y), expected.float(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["unrelated", "noisy", "inverted", "flat"])
@pytest.mark.parametrize(("height", "width"), [(6, 6), (40, 31)])
def test_equals_torchmetrics(kind: str, height: int, width: int) -> None:
    theirs = pytest.importorskip("torchmetrics.functional.image").structural_similarity_index_measure
    x, y = pairs(kind, height, width)
    expected = theirs(x.double(), y.double(), data_range=1.0, reduction="none").float()
    torch.testing.assert_close(ssim(x, y), expected, rtol=0, atol=1e-6)


def test_identical_pictures_give_exactly_one() -> None:
    x = torch.rand(2, 3, 16, 16)
    x[1] = 1
    assert ssim(x, x).tolist() == [1, 1]


def test_symmetric() -> None:
    x, y = pairs("noisy", 16, 16)
    torch.testing.assert_close(ssim(x, y), ssim(y, x))


def test_autocast_changes_nothing() -> None:
    x, y = pairs("noisy", 16, 16)
    expected = ssim(x, y)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ssim(x, y), expected)
