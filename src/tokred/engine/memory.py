"""The tensors that recoveries remember dense outputs in."""

from __future__ import annotations

import math
import sys

import torch

from tokred.interfaces import Memory, MemorySpec, Remembered

HALF = torch.bfloat16
"""Half precision with the range of float32, so that no output overflows."""


@torch.inference_mode(False)
def new_memory(spec: MemorySpec, dtype: torch.dtype, device: torch.device) -> Memory:
    """Make the tensors of `spec`, all zeros: features in `dtype`, numbers in float32.

    They are written to in later calls too, in whatever mode these are, and so are never made as inference tensors.
    """
    made = {name: torch.zeros(shape, dtype=_dtype(shape, dtype), device=device) for name, shape in spec.items()}
    return lasting(made)


def lasting(memory: Memory) -> Memory:
    """Tell CUDA graphs that these tensors are written to where they are: a graph would not be one otherwise."""
    if "torch._dynamo" in sys.modules:  # nothing is compiled where it is not, and it takes seconds to import
        for tensor in memory.values():
            torch._dynamo.mark_static_address(tensor)
    return memory


def memory_bytes(spec: MemorySpec, dtype: torch.dtype) -> int:
    """Return the size of what `new_memory` makes, in bytes."""
    return sum(math.prod(shape) * _dtype(shape, dtype).itemsize for shape in spec.values())


def remembered_dtype(remembered: Remembered, dtype: torch.dtype) -> torch.dtype:
    """Return what features are remembered in while the model computes in `dtype`; half precision is never widened."""
    return HALF if remembered == "half" and dtype.itemsize > HALF.itemsize else dtype


def _dtype(shape: tuple[int, ...], features: torch.dtype) -> torch.dtype:
    return features if len(shape) == 3 else torch.float32
