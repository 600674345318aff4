"""Outputs carried on in time from the last dense calls."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal, get_args

import torch

from tokred.errors import SpecError
from tokred.interfaces import Memory, MemorySpec, Time
from tokred.reduction import Reduction

Variable = Literal["log_snr", "noise"]
_LINE: MemorySpec = {"slope": (), "offset": ()}


@dataclass(frozen=True)
class Forecast:
    """Give each removed token the value at this time of the polynomial through its own last dense outputs.

    Newton's form is remembered, in differences of outputs rather than slopes, which a short step would blow up in half
    precision. What the dense calls seen so far do not determine counts nothing, so that fewer give a lower order.

    Attributes:
        order: 1, a line through two outputs; 2, a parabola through three; 1.5, the line and half of the parabola's
            bend; any number from 1 to 2.
        variable: what the polynomial runs over: "log_snr", the logarithm of the ratio of picture to noise, in which
            outputs at both ends of a generation change more evenly; or "noise", the share of noise, a flow's own time.
        update: whether calls that compute kept tokens only are remembered too, removed tokens as they were forecast.
    """

    order: float = 1
    variable: Variable = "log_snr"
    update: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.order, int | float) or not 1 <= self.order <= 2:
            raise SpecError(
                f"order={self.order!r} must be a number from 1, a line, to 2, a parabola; order 0 is Cached()."
            )
        if self.variable not in get_args(Variable):
            raise SpecError(f"variable={self.variable!r} is not known. Allowed: {', '.join(get_args(Variable))}.")

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare the last output, how it changed, above order 1 how that changed; and what a time is worth."""
        spec: MemorySpec = {"output": shape, "change": shape, "times": (ceil(self.order),), "begun": (), **_LINE}
        return spec | {"bend": shape, "slope_2": (), "offset_2": ()} if self.order > 1 else spec

    def observe(self, output: torch.Tensor, memory: Memory, time: Time, reduction: Reduction | None) -> None:
        """Remember `output` `[B, N, C]`, and how it has changed."""
        now, times, change = self._place(time), memory["times"], memory["change"]
        if self.order > 1:  # as much as the change before would be over this time
            memory["bend"].copy_(change).mul_(-_ratio(now - times[0], times[0] - times[1]))
        torch.sub(output, memory["output"], out=change)
        memory["output"].copy_(_tied(output, change, memory["begun"]))
        if self.order > 1:
            memory["bend"].add_(change)
            _draw_line(memory, "_2", memory["slope"] != 0, times[0], times[1] - now)
        _draw_line(memory, "", memory["begun"], now, times[0] - now)
        memory["begun"].fill_(1)
        times.copy_(torch.cat([now.view(1), times[:-1]]) if self.order > 1 else now)

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, time: Time) -> torch.Tensor:
        """Put the outputs `kept` `[B, K, C]` in their places among the forecasts, `[B, N, C]`."""
        full = reduction.put(kept, self.recall(memory, time).to(kept.dtype))
        if self.update:
            self.observe(full.detach(), memory, time, None)
        return full

    def recall(self, memory: Memory, time: Time) -> torch.Tensor:
        """Return the forecasts, `[B, N, C]`."""
        now = self._place(time)
        share = _on_line(memory, "", now)
        forecast = torch.addcmul(memory["output"], memory["change"], share)
        if self.order > 1:
            forecast.addcmul_(memory["bend"], share * _on_line(memory, "_2", now), value=self.order - 1)
        return forecast

    def _place(self, time: Time) -> torch.Tensor:
        """Return where a call lies on the line that the polynomial runs over."""
        return time.noise if self.variable == "noise" else time.log_snr


def _tied(output: torch.Tensor, change: torch.Tensor, begun: torch.Tensor) -> torch.Tensor:
    """Return `output`; in compiled code as something that needs `change`, which is never taken.

    Inductor fails on CPUs (PyTorch 2.15, a `KeyError`) where all that follows from a difference is that one of its
    terms may be written over.
    """
    return torch.where(begun >= 0, output, change) if torch.compiler.is_compiling() else output


def _draw_line(memory: Memory, which: str, known: torch.Tensor, zero: torch.Tensor, span: torch.Tensor) -> None:
    """Remember the line that is 0 at `zero` and falls by 1 over `span`, or one of zeros unless it is `known`.

    A call is then worth two operations fewer, of which there are many more than dense ones.
    """
    slope = torch.div(known, span, out=memory[f"slope{which}"]).nan_to_num_(0.0, 0.0, 0.0)
    torch.mul(zero, slope, out=memory[f"offset{which}"])


def _on_line(memory: Memory, which: str, now: torch.Tensor) -> torch.Tensor:
    """Return the value of a line that is remembered."""
    return torch.addcmul(memory[f"offset{which}"], memory[f"slope{which}"], now, value=-1)


def _ratio(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return a / b, or 0 where b is 0: between two calls at one time."""
    return (a / b).nan_to_num(0.0, 0.0, 0.0)
