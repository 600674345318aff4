"""FID, the Fréchet inception distance between two sets of pictures (Heusel et al., NeurIPS 2017)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import torch

from tokred.errors import SpecError, WeightsError
from tokred.metrics.metric import Metric
from tokred.metrics.pictures import picture_pair

NEEDS = "torch-fidelity, and its file of Inception weights: fid:weights=PATH"
FEATURES = 2048
"""Channels of the layer that everybody compares by."""


def frechet_distance(features: torch.Tensor, reference: torch.Tensor) -> float:
    """Return the Fréchet distance of the normal distributions that have the mean and covariance of each set.

    It is `|m - n|² + tr(S + T - 2 (S T)^½)`. The trace of the root is the sum of the singular values of `A Bᵀ`, where
    `AᵀA = S` and `BᵀB = T`: no covariance is made of few samples, and no root of a matrix that has none.

    Args:
        features: of one set, `[N, C]`, N at least 2.
        reference: of the other, `[M, C]`, M at least 2.

    Returns:
        At least 0, up to rounding; 0 for the same mean and covariance.

    Raises:
        SpecError: if a set has one sample, which has no covariance.
    """
    if min(len(features), len(reference)) < 2:
        raise SpecError("FID compares sets of pictures: measure at least 2 samples, and better thousands.")
    (m, a), (n, b) = _moments(features), _moments(reference)
    shared = torch.linalg.matrix_norm(a @ b.T, ord="nuc")
    return float((m - n).square().sum() + a.square().sum() + b.square().sum() - 2 * shared)


def _moments(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean `[C]` of samples `[N, C]`, and a matrix of at most C rows whose square is their covariance."""
    x = x.double()
    mean = x.mean(dim=0)
    root = (x - mean) / (len(x) - 1) ** 0.5
    return mean, torch.linalg.qr(root).R if len(x) > x.shape[1] else root


class Fid:
    """Describe pictures and their references by a network; `frechet_distance` compares all of them.

    Args:
        describe: returns features `[B, C]` of pictures `[B, 3, H, W]`, uint8.
    """

    def __init__(self, describe: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.describe = describe

    @torch.no_grad()
    def __call__(self, pictures: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        """Return the features of both, `[B, 2, C]` float32.

        Args:
            pictures: `[B, 3, H, W]`, floating point in [0, 1].
            reference: the same shape.

        Raises:
            SpecError: if they are not such batches.
        """
        pair = picture_pair(pictures, reference)
        return torch.stack([self.describe((255 * each).round().byte()).float() for each in pair], dim=1)


def fid(weights: str = "") -> Metric:
    """Return FID between the pictures of a run and the dense ones.

    Args:
        weights: file of the Inception weights of torch-fidelity, such as pt_inception-2015-12-05-6726825d.pth.
    """
    return Metric(
        name="fid",
        title="FID to dense",
        digits=2,
        higher=False,
        needs=NEEDS,
        overall=lambda both: frechet_distance(both[:, 0], both[:, 1]),
        load=lambda: _load(weights),
    )


@functools.cache
def _load(weights: str) -> Fid:
    if not Path(weights).is_file():
        said = f"there is no file {weights}." if weights else ""
        raise WeightsError(f"fid needs {NEEDS}. {said}".rstrip())
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        network = FeatureExtractorInceptionV3("inception", [str(FEATURES)], feature_extractor_weights_path=weights)
    except (ImportError, OSError, RuntimeError, KeyError, ValueError, UnpicklingError) as error:
        raise WeightsError(f"fid needs {NEEDS}: {' '.join(str(error).split())[:200]}") from error
    return Fid(lambda pictures: network(pictures)[0])
