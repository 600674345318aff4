"""How long each model call takes."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import nn

from tokred.engine.ledger import Ledger
from tokred.engine.slower import SlowerCheck


class CallTimer:
    """A pair of forward hooks around the model; writes each call's duration into a ledger.

    Wall time on the CPU; on a CUDA device the time between the calls' launches, which is the device's own while its
    queue is full. Nothing is synchronised.

    Args:
        ledger: is told.
        slower: looks at the first call.
    """

    def __init__(self, ledger: Ledger, slower: SlowerCheck) -> None:
        self.ledger, self.slower = ledger, slower
        self.started = 0.0

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def before(self, module: nn.Module, args: Any) -> None:
        """Note the start."""
        self.started = time.perf_counter()

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def after(self, module: nn.Module, args: Any, output: Any) -> None:
        """Note the duration."""
        if self.ledger.position is not None:
            self.ledger.seconds.append((self.ledger.position, time.perf_counter() - self.started))
            self.slower.look(output, self.ledger.calls)
