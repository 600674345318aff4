"""Where weights lie in memory, which decides how products on a CPU are rounded."""

from __future__ import annotations

from itertools import chain

from torch import nn

BYTES = 64
"""What PyTorch allocates by."""


def align(model: nn.Module) -> None:
    """Move weights on the CPU to where PyTorch would have allocated them.

    Those of a file that is mapped into memory lie anywhere, and the same model then differs in its last bits from one
    that was made, or loaded from another file.
    """
    for tensor in chain(model.parameters(), model.buffers()):
        if tensor.device.type == "cpu" and tensor.data_ptr() % BYTES:
            tensor.data = tensor.data.clone()
