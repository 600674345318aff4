"""Every metric refuses what is not a pair of picture batches, and says what is allowed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tokred.errors import SpecError
from tokred.metrics import Lpips, psnr, ssim

Metric = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
GOOD = torch.full((2, 3, 32, 32), 0.5)


@pytest.fixture(scope="module", params=["psnr", "ssim", "lpips"])
def metric(request: pytest.FixtureRequest) -> Metric:
    metrics: dict[str, Metric] = {"psnr": psnr, "ssim": ssim, "lpips": Lpips.load()}
    return metrics[request.param]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((2, 3, 32, 32), np.float32), r"must be a torch\.Tensor \[B, 3, H, W\], not a ndarray"),
        (GOOD.to(torch.uint8), r"must be floating point in \[0, 1\], not torch\.uint8. Divide 8-bit pictures by 255"),
        (GOOD[0], r"must have shape \[B, 3, H, W\], not \[3, 32, 32\]"),
        (GOOD[:, :1], r"must have shape \[B, 3, H, W\], not \[2, 1, 32, 32\]"),
        (GOOD.movedim(1, 3), r"must have shape \[B, 3, H, W\], not \[2, 32, 32, 3\]"),
        (GOOD[..., :0], r"\[2, 3, 32, 0\] must be at least \d+ pixels high and wide"),
        (GOOD * 3, r"must lie in \[0, 1\], but goes from 1\.5 to 1\.5\. .* clamp"),
        (GOOD - 1, r"must lie in \[0, 1\], but goes from -0\.5 to -0\.5\. Map pictures in \[-1, 1\]"),
        (GOOD * torch.nan, r"must lie in \[0, 1\], but goes from nan to nan"),
    ],
)
def test_bad_pictures_are_refused_on_either_side(metric: Metric, bad: torch.Tensor, message: str) -> None:
    with pytest.raises(SpecError, match="^pictures .*" + message):
        metric(bad, GOOD)
    with pytest.raises(SpecError, match="^reference .*" + message):
        metric(GOOD, bad)


def test_shapes_must_be_equal(metric: Metric) -> None:
    message = r"pictures \[2, 3, 32, 32\] and reference \[1, 3, 32, 32\] must have the same shape"
    with pytest.raises(SpecError, match=message):
        metric(GOOD, GOOD[:1])


def test_pictures_too_small_for_the_windows_are_refused() -> None:
    six = torch.rand(1, 3, 6, 6)
    assert ssim(six, six).tolist() == [1]
    with pytest.raises(SpecError, match=r"pictures \[1, 3, 6, 5\] must be at least 6 pixels"):
        ssim(six[..., :5], six[..., :5])
    lpips, small = Lpips.load(), torch.rand(1, 3, 31, 31)
    assert lpips(small, small).tolist() == [0]
    with pytest.raises(SpecError, match=r"pictures \[1, 3, 30, 31\] must be at least 31 pixels"):
        lpips(small[:, :, :30], small[:, :, :30])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_any_float_gives_one_float32_value_per_sample(metric: Metric, dtype: torch.dtype) -> None:
    x, y = torch.rand(2, 3, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(dtype)
    values = metric(x, y)
    assert values.dtype == torch.float32
    assert values.shape == (3,)
    torch.testing.assert_close(values, metric(x.float(), y.float()))


def test_an_empty_batch_gives_no_values(metric: Metric) -> None:
    assert metric(GOOD[:0], GOOD[:0]).shape == (0,)


def test_samples_do_not_depend_on_the_batch(metric: Metric) -> None:
    x, y = torch.rand(2, 5, 3, 40, 36, generator=torch.Generator().manual_seed(0))
    together = metric(x, y)
    alone = torch.cat([metric(x[i : i + 1], y[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(together, alone)
    x[1:], y[1:] = 1, 0
    torch.testing.assert_close(metric(x, y)[0], together[0])
    assert not torch.isclose(metric(x, y)[1:], together[1:]).any()


def test_each_picture_is_compared_with_its_own_reference(metric: Metric) -> None:
    x = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    same = metric(x, x)
    shuffled = metric(x, x[[1, 0, 2]])
    assert torch.equal(same[2], shuffled[2])
    assert not torch.isclose(same[:2], shuffled[:2]).any()
