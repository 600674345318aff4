"""Models and tensors that say they are on a CUDA device, and hold nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

from tokred.errors import SpecError

DEVICE = torch.device("cuda")
CLONES = (torch.Tensor.clone, torch.Tensor.__deepcopy__)
"""What copies a parameter, and any other tensor, where a module is copied."""


class Fakes:
    """Makes what is like real models and tensors in all but the device, the contents and, if wanted, the dtype.

    Args:
        dtype: of all floating point numbers; None for what each has.
    """

    def __init__(self, dtype: torch.dtype | None = None) -> None:
        self.dtype = dtype
        self.mode = FakeTensorMode(allow_non_fake_inputs=True)

    def tensor(self, real: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the same shape and strides."""
        dtype = self.dtype if self.dtype and real.is_floating_point() else real.dtype
        with self.mode:
            return torch.empty_strided(real.shape, real.stride(), dtype=dtype, device=DEVICE)

    def tensors(self, values: Any) -> Any:
        """Return nested values with every tensor replaced."""
        return tree_map_only(torch.Tensor, self.tensor, values)

    def model(self, real: nn.Module) -> nn.Module:
        """Return a copy of a model; no weight is copied."""
        with _Cloning(self):
            made = copy.deepcopy(real)
        return made.eval().requires_grad_(False)


class _Cloning(TorchFunctionMode):
    """Gives a fake tensor to whoever copies one."""

    def __init__(self, fakes: Fakes) -> None:
        super().__init__()
        self.fakes = fakes

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Make it, or leave another function to PyTorch."""
        return self.fakes.tensor(args[0]) if func in CLONES else func(*args, **(kwargs or {}))


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Say of `what`, a model or a method, that it reads values, which fake tensors do not have.

    Raises:
        SpecError: in place of PyTorch's error.
    """
    try:
        yield
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise SpecError(
            f"{what} decides by values that it computes, and an estimate has none. Measure it with tokred bench."
        ) from error
