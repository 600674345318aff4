"""LPIPS against a second implementation in float64, its properties, and its weights file."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

import tokred.metrics
from tokred.errors import WeightsError
from tokred.metrics import Lpips
from tokred.metrics.lpips import WEIGHTS

FULL_PRECISION = Path("/work/shared/data/lpips_alex.safetensors")


def convolve(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
    """Convolve one picture `[C, H, W]` as a product of its patches with the filters."""
    size = weight.shape[-1]
    patches = functional.pad(x, (padding,) * 4).unfold(1, size, stride).unfold(2, size, stride)
    return torch.einsum("chwij,ocij->ohw", patches, weight) + bias[:, None, None]


def reference_lpips(picture: torch.Tensor, reference: torch.Tensor, tensors: dict[str, torch.Tensor]) -> float:
    """Follow the paper for one pair `[3, H, W]` in [0, 1], in float64."""
    tensors = {name: tensor.double() for name, tensor in tensors.items()}
    shift, scale = torch.tensor([[-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]], dtype=torch.float64)
    pair = [
        ((2 * image.double() - 1).movedim(0, -1).sub(shift) / scale).movedim(-1, 0) for image in (picture, reference)
    ]
    distance = 0.0
    for layer in range(5):
        stride, padding = 4 if layer == 0 else 1, (2, 2, 1, 1, 1)[layer]
        weight, bias = tensors[f"conv_{layer}.weight"], tensors[f"conv_{layer}.bias"]
        pair = [convolve(x, weight, bias, stride, padding).clamp(min=0) for x in pair]
        a, b = (x / ((x * x).sum(0).sqrt() + 1e-10) for x in pair)
        distance += (tensors[f"lin{layer}"][0] * (a - b) ** 2).sum(0).mean().item()
        if layer < 2:
            pair = [x.unfold(1, 3, 2).unfold(2, 3, 2).amax((-2, -1)) for x in pair]
    return distance


@pytest.fixture(scope="module")
def lpips() -> Lpips:
    return Lpips.load()


def noisy_pair(noise: float, height: int = 40, width: int = 36) -> tuple[torch.Tensor, torch.Tensor]:
    """Two smooth pictures, and the same under Gaussian noise of a standard deviation."""
    generator = torch.Generator().manual_seed(0)
    smooth = functional.interpolate(torch.rand(2, 3, 4, 4, generator=generator), (height, width), mode="bilinear")
    return (smooth + noise * torch.randn(smooth.shape, generator=generator)).clamp(0, 1), smooth


@pytest.mark.parametrize(("height", "width"), [(31, 31), (40, 67)])
def test_equals_the_reference(lpips: Lpips, height: int, width: int) -> None:
    x, y = noisy_pair(0.1, height, width)
    expected = [reference_lpips(a, b, load_file(WEIGHTS)) for a, b in zip(x, y, strict=True)]
    torch.testing.assert_close(lpips(x, y), torch.tensor(expected), rtol=1e-5, atol=0)


@pytest.mark.skipif(not FULL_PRECISION.exists(), reason="the full-precision weights are not on this machine")
@pytest.mark.parametrize("noise", [0.02, 0.1, 0.5])
def test_half_precision_weights_are_close_to_the_published_ones(lpips: Lpips, noise: float) -> None:
    x, y = noisy_pair(noise)
    expected = [reference_lpips(a, b, load_file(FULL_PRECISION)) for a, b in zip(x, y, strict=True)]
    torch.testing.assert_close(lpips(x, y), torch.tensor(expected), rtol=2e-3, atol=0)


def test_zero_for_identical_pictures(lpips: Lpips) -> None:
    x, _ = noisy_pair(0.1)
    x[1] = 1
    assert lpips(x, x).tolist() == [0, 0]


def test_symmetric(lpips: Lpips) -> None:
    x, y = noisy_pair(0.1)
    torch.testing.assert_close(lpips(x, y), lpips(y, x))


def test_grows_with_noise(lpips: Lpips) -> None:
    values = torch.stack([lpips(*noisy_pair(noise)) for noise in (0.0, 0.01, 0.03, 0.1, 0.3)])
    assert (values.diff(dim=0) > 0).all()


def test_autocast_changes_nothing(lpips: Lpips) -> None:
    x, y = noisy_pair(0.1)
    expected = lpips(x, y)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(lpips(x, y), expected)


def test_loading_leaves_the_random_state_and_trains_nothing() -> None:
    before = torch.get_rng_state()
    metric = Lpips.load()
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(parameter.requires_grad for parameter in metric.parameters())


def test_the_licence_notice_is_shipped_beside_the_weights() -> None:
    notice = WEIGHTS.with_name("LPIPS-NOTICE.txt").read_text()
    for part in ("torchvision", "BSD 3-Clause License", "Soumith Chintala", "BSD 2-Clause License", "Richard Zhang"):
        assert part in notice


def put_weights(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr("tokred.metrics.lpips.WEIGHTS", path)


def test_missing_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_weights(monkeypatch, tmp_path / "gone.safetensors")
    with pytest.raises(WeightsError, match=r"gone\.safetensors are missing\. Install tokred-zoo.* run `python .*INPUT"):
        Lpips.load()


def test_one_changed_bit_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = bytearray(WEIGHTS.read_bytes())
    content[-1] ^= 1
    (tmp_path / "changed.safetensors").write_bytes(content)
    put_weights(monkeypatch, tmp_path / "changed.safetensors")
    with pytest.raises(WeightsError, match=r"SHA-256 [0-9a-f]{64}, but must have [0-9a-f]{64}\. Install tokred-zoo"):
        Lpips.load()


class Trap:
    """Gives itself away when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("the weights file was unpickled",)


def test_a_pickle_is_refused_unread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "trap.safetensors").write_bytes(pickle.dumps(Trap()))
    put_weights(monkeypatch, tmp_path / "trap.safetensors")
    with pytest.raises(WeightsError, match=r"trap\.safetensors have SHA-256"):
        Lpips.load()


def test_public_names() -> None:
    assert tokred.metrics.__all__ == [
        "IDENTICAL_PSNR",
        "Against",
        "Lpips",
        "Measure",
        "Metric",
        "Outputs",
        "Paired",
        "agreement",
        "cosine",
        "interval95",
        "psnr",
        "psnr_changes",
        "psnr_foreground",
        "ssim",
        "top1",
        "wilcoxon",
    ]
