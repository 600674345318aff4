"""A method with a signal of its own, in one file: what somebody else would ship."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from tokred import Component, Method, Place, Probe, Signal, hookimpl, parts
from tokred.interfaces import Around, Forward, Memory, Time


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the signal and the method."""
    yield Component("signal", "gain", "tokred_moved:Gain", "how much louder a block's tokens leave than they came")
    yield Component("method", "gaining", "tokred_moved:gaining", "computes the tokens whose block gains most")


class Gain(Signal):
    """A block's output over its input, in norm, of the last dense call."""

    name = "gain"
    needs_past = True

    def missing(self, place: Place) -> str:
        """See `Signal`."""
        return "a block has no block around it" if place.kind == "block" else ""

    def probe(self, place: Place) -> Probe:
        """See `Signal`."""
        return GainProbe(place.block)


class GainProbe(Probe):
    """Taps what goes into a block."""

    def __init__(self, block: nn.Module) -> None:
        self.block, self.wanted = block, False

    @property
    def around(self) -> dict[nn.Module, Around]:
        """See `Probe`."""
        return {self.block: self.look}

    def expect(self, wanted: bool) -> None:
        """See `Probe`."""
        self.wanted = wanted

    def look(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Note the tokens that the block is called with."""
        if self.wanted:
            self.tokens = args[0]
        return forward(*args, **kwargs)

    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """See `Probe`."""
        assert output is not None
        return output.norm(dim=2, keepdim=True) / self.tokens.norm(dim=2, keepdim=True)


def gaining(*, ratio: float = 0.5) -> Method:
    """Match by the gain, every second step."""
    return Method(
        name="gaining",
        similarity=parts.Cosine(Gain()),
        matcher=parts.GridMatcher(),
        scheduler=parts.Interval(ratio, interval=2, dense_first=2),
        recovery=parts.Copy(),
        sites=("attn",),
    )
