"""DreamSim, a distance learned from what people see as alike (Fu et al., "DreamSim", NeurIPS 2023)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from tokred.errors import WeightsError
from tokred.metrics.metric import Metric
from tokred.metrics.pictures import picture_pair

NEEDS = "the package dreamsim, and the folder of its checkpoints: dreamsim:weights=PATH"
SIDE = 224
"""Height and width of what its networks see, in pixels."""


class DreamSim:
    """Measure how far pictures look from their references.

    Args:
        model: returns the distance of two batches of pictures, `[B]`; from `dreamsim.dreamsim`.
    """

    def __init__(self, model: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        self.model = model

    @torch.no_grad()
    def __call__(self, pictures: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        """Compare `pictures` with `reference`, each with its own, both resized to 224 x 224.

        Args:
            pictures: `[B, 3, H, W]`, floating point in [0, 1].
            reference: the same shape.

        Returns:
            One value per picture, `[B]` float32; 0 for identical pictures.

        Raises:
            SpecError: if they are not such batches.
        """
        pair = (_resized(each) for each in picture_pair(pictures, reference))
        return self.model(*pair).reshape(-1).float()


def _resized(pictures: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(pictures, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 1)


def dreamsim(weights: str = "", variant: str = "ensemble") -> Metric:
    """Return DreamSim.

    Args:
        weights: folder that holds the checkpoints of the package dreamsim, unpacked.
        variant: which of its models, as the package calls it, such as "ensemble" or "dino_vitb16".
    """
    return Metric(
        name="dreamsim",
        title="DreamSim",
        digits=4,
        higher=False,
        needs=NEEDS,
        load=lambda: DreamSim(_load(weights, variant)),
    )


@functools.cache
def _load(weights: str, variant: str) -> Any:
    folder = Path(weights)
    lora = f"{variant}_lora" if variant == "ensemble" else f"{variant}_single_lora"
    if not weights or not (folder / lora).is_dir():
        said = f"{folder / lora} is not there." if weights else ""
        raise WeightsError(f"dreamsim needs {NEEDS}. {said}".rstrip())
    try:
        from dreamsim import dreamsim as load_model

        return load_model(pretrained=True, device="cpu", cache_dir=weights, dreamsim_type=variant)[0]
    except (ImportError, OSError, RuntimeError, KeyError) as error:
        raise WeightsError(f"dreamsim needs {NEEDS}: {' '.join(str(error).split())[:200]}") from error
