"""The tensors that a recovery remembers dense outputs in."""

from __future__ import annotations

import torch

from tokred.interfaces import Memory, Recovery


def remember(recovery: Recovery, output: torch.Tensor, memory: Memory) -> None:
    """Have `recovery` observe a dense `output` `[B, N, C]`; its tensors are made in `memory` at the first one."""
    if not memory:
        shapes = recovery.state_spec((output.shape[0], output.shape[1], output.shape[2]))
        memory.update({name: output.new_zeros(shape) for name, shape in shapes.items()})
    recovery.observe(output, memory)
