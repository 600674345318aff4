"""What the benchmark draws with: a pipeline, and how it makes pictures from seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from tokred.errors import SpecError
from tokred.zoo.catalog import ZooModel, find_model
from tokred.zoo.load import load_pipeline


class Subject(Protocol):
    """Something that makes pictures, and that methods can be applied to.

    Attributes:
        name: what results call it.
        pipe: the pipeline that methods are applied to.
    """

    @property
    def name(self) -> str:
        """See above."""
        ...

    @property
    def pipe(self) -> Any:
        """See above."""
        ...

    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Draw one picture per seed in `steps` denoising steps, without gradients.

        Returns:
            `[B, 3, H, W]` in [0, 1], floating point, on the CPU; each depends on its own seed only.
        """
        ...


@dataclass(frozen=True)
class ZooSubject:
    """A trained model that comes with tokred, loaded; see `Subject`."""

    model: ZooModel
    pipe: Any

    @property
    def name(self) -> str:
        """See `Subject`."""
        return self.model.name

    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """See `Subject`."""
        return self.model.generate(self.pipe, seeds, steps)


def load_subject(name: str, device: str = "cpu") -> ZooSubject:
    """Load a trained model that comes with tokred.

    Args:
        name: one of the names that `tokred.zoo.zoo_models()` lists.
        device: "cpu" or "cuda".

    Raises:
        UnknownName: there is no such model.
        SpecError: there is no such device.
        WeightsError: the model's files are missing or corrupt.
    """
    model = find_model(name)
    check_device(device)
    return ZooSubject(model, load_pipeline(model, device))


def check_device(device: str) -> None:
    """Raise `SpecError` unless `device` is "cpu", or "cuda" where there is one."""
    if device not in ("cpu", "cuda"):
        raise SpecError(f"device={device!r} is not known. Allowed: cpu, cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise SpecError("device='cuda' is not there: PyTorch sees no CUDA device on this machine. Use cpu.")
