"""What a part remembers of one site within one generation and guidance branch."""

from __future__ import annotations

import torch

Memory = dict[str, torch.Tensor]
"""Named tensors, written in place; zeros at the start of a generation."""
