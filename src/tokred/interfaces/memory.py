"""What a part remembers of one site within one generation and guidance branch."""

from __future__ import annotations

from typing import Literal

import torch

Remembered = Literal["model", "half"]
"""What features are remembered in: the dtype that the model computes in, or half precision."""
Memory = dict[str, torch.Tensor]
"""Named tensors, written in place; zeros at the start of a generation."""

MemorySpec = dict[str, tuple[int, ...]]
"""The shape of each named tensor. A recovery's tensors of three axes, `[B, N, C]`, hold features in the model's dtype;
all others hold numbers, in float32."""
