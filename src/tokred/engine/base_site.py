"""What all sites have, whatever they do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from tokred.arguments import argument_names
from tokred.engine.doing import Doing
from tokred.engine.ledger import Ledger
from tokred.engine.patch import Layer, Stand
from tokred.engine.rows import RowFeed, RowIndex
from tokred.engine.sharing import MatchGroup
from tokred.engine.site_call import SiteRecord
from tokred.engine.state import MatchState, SiteState
from tokred.errors import UnsupportedModel
from tokred.family.site import SiteSpec
from tokred.interfaces import DENSE, Forward, MemorySpec, Plan, Probe, SiteInfo, Time
from tokred.layout import Layout
from tokred.method import Method

NOTHING = SiteState(Layout(()), MatchState((0, Layout(()))))
"""What a site knows outside of a generation."""
NEVER = Time.at(torch.zeros(()))
"""The time outside of a generation, which nothing reads."""


def is_recomputing() -> bool:
    """Say whether this is inside a backward pass."""
    return torch._C._current_graph_task_id() != -1


class BaseSite:
    """Where a site is, what the next call does there, and what is remembered from call to call.

    It stands around its module, and around others inside that (see `stands`).

    Args:
        spec: where the site is.
        info: the same, as the method's parts are told.
        method: what it does.
        group: it shares its correspondences with the other sites of this group.
        ledger: is told of calls that run dense instead of as planned.
    """

    making = False
    """Whether the next call makes correspondences."""
    observing = False
    """Whether what the next call computes is remembered."""
    probe: Probe | None = None
    """Makes the features of the method's signal, where the site matches."""

    def __init__(self, spec: SiteSpec, info: SiteInfo, method: Method, group: MatchGroup, ledger: Ledger) -> None:
        self.spec = spec
        self.info = info
        self.method = method
        self.group = group
        self.ledger = ledger
        self.names = argument_names(spec.module)
        self.made_rows = tuple(RowFeed(made, spec.name) for made in spec.travel.made)
        self.time = NEVER
        self.states: dict[str, SiteState] = {}
        self.record = SiteRecord.of(spec)

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do what the last `prepare` said; nothing, where none was made for this call."""
        self.called = True
        if self.planned:
            return self.run(forward, args, kwargs)
        if is_recomputing():
            raise UnsupportedModel(
                f"{self.spec.name} is called in a backward pass, and which model call it was is not known. Checkpoint "
                "whole blocks, with the model's own gradient checkpointing, or call tokred.remove(model)."
            )
        self.ledger.warn(
            "nothing is reduced in blocks that are called by themselves, or by the model's own `forward`. Call the "
            "model, as in model(...), or tokred.remove(model)"
        )
        return forward(*args, **kwargs)

    def run(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do what the last `prepare` said."""
        raise NotImplementedError

    @property
    def records(self) -> list[SiteRecord]:
        """What calls of the site are recorded as."""
        return [self.record]

    @property
    def inside(self) -> list[Stand]:
        """What stands around modules inside the site, apart from what its signal needs; by default nothing."""
        return []

    @property
    def stands(self) -> list[Stand]:
        """Everything that stands around a module for this site."""
        around = {} if self.probe is None else self.probe.around
        probes = [Stand(module, seen, Layer.PROBE) for module, seen in around.items()]
        made = [
            Stand(made.module, feed, method=made.method)
            for made, feed in zip(self.spec.travel.made, self.made_rows, strict=True)
        ]
        return [*probes, Stand(self.spec.module, self), *made, *self.inside]

    def info_in(self, layout: Layout) -> SiteInfo:
        """Return what the method's parts are told of the site, in a model call of a layout."""
        own = layout if self.spec.scale == 1 else self.spec.layout(layout)
        if self.info.layout is not own:
            self.info = replace(self.info, layout=own)
        return self.info

    def gather_made(self, index: RowIndex | None) -> None:
        """Have methods inside make the rows of the kept tokens alone; those of all where `index` is None."""
        for feed in self.made_rows:
            feed.index = index

    def memory_specs(self, batch: int, layout: Layout) -> dict[str, MemorySpec]:
        """Declare all that is remembered for `batch` samples of `layout`, by what of; by default for its signal."""
        spec = {} if self.probe is None else self.probe.state_spec((batch, layout.image, self.spec.width))
        return {"signal": spec} if spec else {}

    def promised_memory(self, batch: int, layout: Layout) -> dict[str, MemorySpec]:
        """Declare all that is remembered, before anything is: what `memory_specs` says, by default."""
        return self.memory_specs(batch, layout)

    def prepare(self, plan: Plan, state: SiteState, time: Time, makes: bool = False) -> None:
        """Set what the next call does, before the model is called; `makes` says whether this site makes the match."""
        self.plan, self.state, self.time = plan, state, time
        self.reducing, self.skipping = plan.phase.reduces, plan.skips
        self.called, self.planned = False, True

    @property
    def doing(self) -> Doing:
        """What the next call does."""
        making = self.making
        return Doing(self.plan.phase, self.skipping, making, making and self.state.match.redrawn, self.observing)

    def repeat(self, plan: Plan, state: SiteState, time: Time) -> None:
        """Set the next call to do once more what an earlier one did: its correspondences are there."""
        self.prepare(plan, state, time)

    def call_ended(self) -> None:
        """Need a plan before the next call."""
        self.planned = False
        if self.group.taken:
            self.group.taken.clear()

    def reset(self) -> None:
        """Make the next call the original one and forget every state."""
        self.states.clear()
        self.group.states.clear()
        self.prepare_dense()
        self.call_ended()

    def prepare_dense(self) -> None:
        """Make the next call the original one."""
        self.prepare(DENSE, NOTHING, self.time)
