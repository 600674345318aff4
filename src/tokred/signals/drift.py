"""The signal "drift"."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tokred.interfaces import Memory, MemorySpec, Place, Probe, Signal, Time


class Drift(Signal):
    """What the site's output changed by since its last dense call."""

    name = "drift"
    needs_past = True
    remembers = True
    of_tokens = True

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return DriftProbe()


class DriftProbe(Probe):
    """Remembers the last dense output."""

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare one full-length output."""
        return {"output": shape}

    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """Return what `output` differs by from the remembered one."""
        assert output is not None, "the planner refuses to match by an output before it is known"
        return output - memories["signal"]["output"]

    def observe(self, output: torch.Tensor, memory: Memory) -> None:
        """See `Probe`."""
        memory["output"].copy_(output)
