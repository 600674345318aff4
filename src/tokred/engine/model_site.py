"""The model itself as a site: called, or skipped."""

from __future__ import annotations

from typing import Any

import torch

from tokred.adapter import SiteSpec
from tokred.engine.arguments import Arguments, argument_names
from tokred.engine.patch import Forward
from tokred.engine.sharing import MatchGroup
from tokred.engine.state import MatchState, SiteState
from tokred.interfaces import DENSE, MemorySpec, Plan, Recovery, SiteInfo
from tokred.layout import Layout
from tokred.method import Method


class ModelSite:
    """Runs in place of the model's forward; at ratio 1 its output is recalled, and nothing in it is called.

    Args:
        spec: the model's site.
        info: the same, as the method's parts are told.
        method: what it does.
        group: its own; it is never matched.
        picture: the argument that holds the picture or latents.
    """

    held = None

    def __init__(self, spec: SiteSpec, info: SiteInfo, method: Method, group: MatchGroup, picture: str) -> None:
        self.spec = spec
        self.info = info
        self.group = group
        self.recovery: Recovery = method.recovery
        self.picture = picture
        self.names = argument_names(spec.module)
        self.kind: type = tuple
        self.time = torch.zeros(())
        self.states: dict[str, SiteState] = {}
        self.rest()

    def memory_specs(self, batch: int, layout: Layout) -> dict[str, MemorySpec]:
        """Declare what is remembered of `batch` samples of `layout`: the model's output."""
        return {"output": self.recovery.state_spec((batch, layout.image, self.spec.width))}

    def prepare(self, plan: Plan, state: SiteState, time: torch.Tensor, makes: bool = False) -> None:
        """Set what the next call does; a call in which other sites reduce is neither skipped nor remembered."""
        self.skipping = plan.skips
        self.observing = not plan.phase.reduces
        self.state, self.time = state, time
        self.called = False

    def rest(self) -> None:
        """Make the next call the original one and forget every state."""
        self.states.clear()
        self.prepare(DENSE, SiteState(0, Layout(()), MatchState(0, Layout(()))), self.time)
        self.observing = False

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do what the last `prepare` said."""
        self.called = True
        if self.skipping:
            return self._recall(Arguments(self.names, args, kwargs)[self.picture])
        result = forward(*args, **kwargs)
        if self.observing:
            self._observe(result)
        return result

    @torch.no_grad()
    def _observe(self, result: Any) -> None:
        """Remember an output, whatever its axes, as `[B, N, C]`."""
        self.kind = type(result)
        memory = self.state.memories["output"]
        output = result[0].reshape(self.state.batch, self.state.layout.image, self.spec.width)
        self.recovery.observe(output, memory, self.time, None)

    def _recall(self, picture: torch.Tensor) -> Any:
        """Return what the model would, in the axes of `picture`: `[B, C, H, W]` or `[B, N, C]`."""
        output = self.recovery.recall(self.state.memories["output"], self.time).to(picture.dtype, copy=True)
        if picture.ndim == 4:
            output = output.reshape(len(picture), -1, *picture.shape[2:])
        return (output,) if self.kind is tuple else self.kind(output)
