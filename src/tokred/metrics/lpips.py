"""LPIPS, the perceptual distance of Zhang et al. (2018)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import safetensors.torch
import torch
from torch import nn
from torch.nn import functional

from tokred.errors import WeightsError
from tokred.metrics.metric import Metric
from tokred.metrics.pictures import picture_pair
from tokred.zoo.files import INSTALL, folder

WEIGHTS = folder() / "lpips_alex.safetensors"
SHA256 = "646a5b4e50b7b88eafe29c1bdcfcd3099bb223c804616a851a602da0018f958b"

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_CONVOLUTIONS = ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))  # (stride, padding) of AlexNet's five
_POOLED = (1, 2)  # the convolutions that max-pooling comes before
_SMALLEST = 31  # one pixel less, and the second pooling has no window


class Lpips(nn.Module):
    """Measure the perceptual distance of pictures from their references: LPIPS v0.1 on AlexNet.

    `Lpips.load()` builds it with the weights in tokred-zoo. Computed in float32, also under autocast; on CUDA the
    convolutions run in TF32 where `torch.backends.cudnn.allow_tf32` lets them.

    Args:
        tensors: `conv_0.weight`, `conv_0.bias` ... of AlexNet's five convolutions, and the linear heads
            `lin0` ... `lin4`, `[1, C, 1, 1]`; any floating-point dtype.

    Examples:
        >>> lpips = Lpips.load()
        >>> grey = torch.full((2, 3, 64, 64), 0.5)
        >>> lpips(grey, grey)
        tensor([0., 0.])
    """

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        layers = range(len(_CONVOLUTIONS))
        self.weights = nn.ParameterList(tensors[f"conv_{layer}.weight"].float() for layer in layers)
        self.biases = nn.ParameterList(tensors[f"conv_{layer}.bias"].float() for layer in layers)
        self.heads = nn.ParameterList(tensors[f"lin{layer}"].float() for layer in layers)
        self.register_buffer("shift", torch.tensor(_SHIFT).view(3, 1, 1))
        self.register_buffer("scale", torch.tensor(_SCALE).view(3, 1, 1))
        self.requires_grad_(False)

    @classmethod
    def load(cls) -> Self:
        """Build the metric, on the CPU, from the weights in tokred-zoo.

        Raises:
            WeightsError: the file is missing, or is not the one that was published.
        """
        return cls(safetensors.torch.load(_checked_bytes(WEIGHTS)))

    def forward(self, pictures: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        """Compare `pictures` with `reference`, each with its own.

        Args:
            pictures: `[B, 3, H, W]`, floating point in [0, 1], H and W at least 31.
            reference: the same shape.

        Returns:
            One value per picture, `[B]` float32, at least 0; 0 for identical pictures.

        Raises:
            SpecError: the two differ in shape, or one is not such a batch.
        """
        x, y = picture_pair(pictures, reference, _SMALLEST)
        with torch.autocast(x.device.type, enabled=False):
            layers = zip(self._features(x), self._features(y), self.heads, strict=True)
            distances = [((a - b).square() * head).sum(dim=1).mean(dim=(1, 2)) for a, b, head in layers]
        return torch.stack(distances).sum(dim=0)

    def _features(self, images: torch.Tensor) -> Iterator[torch.Tensor]:
        """Yield the features `[B, C, h, w]` of each convolution, of norm 1 over the channels."""
        x = (2 * images - 1 - self.shift) / self.scale
        for layer, (stride, padding) in enumerate(_CONVOLUTIONS):
            if layer in _POOLED:
                x = functional.max_pool2d(x, kernel_size=3, stride=2)
            x = functional.relu(functional.conv2d(x, self.weights[layer], self.biases[layer], stride, padding))
            yield x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10)


def _checked_bytes(path: Path) -> bytes:
    restore = f"{INSTALL} Or run `python benchmarks/metrics/convert_lpips.py INPUT {path}` there."
    if not path.is_file():
        raise WeightsError(f"The LPIPS weights {path} are missing. {restore}")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise WeightsError(f"The LPIPS weights {path} have SHA-256 {found}, but must have {SHA256}. {restore}")
    return content


METRIC = Metric(
    name="lpips",
    title="LPIPS",
    digits=3,
    higher=False,
    needs="its weights, in tokred-zoo",
    load=lambda: Lpips.load(),
)
