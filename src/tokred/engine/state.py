"""What a site remembers from call to call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from tokred.engine.returned import Returned
from tokred.engine.ruler import CallRuler, Ruler
from tokred.engine.steps import Position
from tokred.engine.together import Together
from tokred.family.signature import Rows
from tokred.interfaces import Draw, Matcher, Memory
from tokred.layout import Layout
from tokred.reduction import Reduction


@dataclass
class Gathered:
    """What is worked out once for all calls that a match serves.

    Attributes:
        rows: positions of what is left in sequences that the image's tokens are in, see `RowIndex`.
        tables: rotary tables of the kept tokens, see `keep_tables`.
    """

    rows: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)
    tables: dict[Rows, Any] = field(default_factory=dict)


@dataclass
class Use:
    """What sites want of correspondences in the last model call that used them.

    Attributes:
        planned: the call, with the ratio and the matcher.
        made: whether one of the sites makes them anew there.
        compiled: whether compiled code did.
    """

    planned: tuple[Position | None, float, Matcher | None] = (None, 0.0, None)
    made: bool = False
    compiled: bool = False


@dataclass
class MatchState:
    """The correspondences of a site, or of several that share them, within one generation and guidance branch.

    Attributes:
        shape: number of samples, B, and the layout that it was made for.
        removed: number of tokens that the correspondences remove; 0 before the first match was planned.
        ruler: holds the number of tokens that they keep.
        matcher: makes the last match that was planned; None where that is the method's.
        draw: what the matcher drew, on the model's device.
        redrawn: whether it drew anew for the last match.
        reduction: the correspondences; None before the first match has run.
        pmr: pair match ratio of the last match with the one before it, a tensor; None where it drew anew.
        memory: the matcher's tensors.
        gathered: what follows from them.
        use: the last of them.
        inference: whether any of its tensors may have been made in inference mode.
    """

    shape: tuple[int, Layout]
    removed: int = 0
    ruler: Ruler = field(default_factory=lambda: Ruler(0))
    matcher: Matcher | None = None
    draw: Draw = ()
    redrawn: bool = True
    reduction: Reduction | None = None
    pmr: torch.Tensor | None = None
    memory: Memory = field(default_factory=dict)
    gathered: Gathered = field(default_factory=Gathered)
    use: Use = field(default_factory=Use)
    inference: bool = False

    def enter(self, inference: bool) -> None:
        """Be used in a call in inference mode, or in one outside it, which may keep what it is given."""
        if self.inference and not inference:
            self._leave_inference_mode()
        self.inference = inference

    def call_ended(self) -> None:
        """Copy what compiled code returned, at the end of its call: a CUDA graph writes over it in the next one."""
        if self.use.compiled:
            self.use.compiled = False
            self._copy(lambda tensor: True)
            self.pmr = None if self.pmr is None else self.pmr.clone()

    def _leave_inference_mode(self) -> None:
        self.gathered = Gathered()
        self._copy(torch.Tensor.is_inference)

    def _copy(self, chosen: Callable[[torch.Tensor], bool]) -> None:
        """Have the correspondences in tensors of their own, those that are `chosen`."""
        if self.reduction is None:
            return
        tensors = {name: value for name, value in vars(self.reduction).items() if isinstance(value, torch.Tensor)}
        copies = {name: tensor.clone() for name, tensor in tensors.items() if chosen(tensor)}
        if copies:
            self.reduction = copy.copy(self.reduction)
            vars(self.reduction).update(copies)


@dataclass
class SiteState:
    """What a site remembers within one generation and guidance branch.

    Attributes:
        layout: the layout that it was made for.
        match: its correspondences.
        ruler: the sizes of what the site is called with.
        context: number of tokens that are computed with the image's.
        matched: whether a match has been planned.
        seen: number of calls that were planned to compute all tokens.
        kept: where in the picture the tokens were that a "stream" site keeps, `[B or 1, K]`; None before a match.
        shape: of the picture that it was made for.
        returned: what the model returned, where the site is the model.
        memories: what the recoveries remember, by what of: see `Site.remembered`.
    """

    layout: Layout
    match: MatchState
    ruler: CallRuler = field(default_factory=CallRuler)
    context: int = 0
    matched: bool = False
    seen: int = 0
    kept: torch.Tensor | None = None
    shape: tuple[int, ...] = ()
    returned: Returned | Together | None = None
    memories: dict[str, Memory] = field(default_factory=dict)

    @property
    def kept_places(self) -> torch.Tensor | None:
        """Where in the picture the tokens are that the last match keeps, `[B or 1, K]`; None before there is one."""
        reduction = self.match.reduction if self.matched else None
        return self.kept if self.kept is not None or reduction is None else reduction.kept


def shared_state(states: Sequence[SiteState], shape: tuple[Any, ...]) -> SiteState:
    """Return the state of a call that branches share, each of which has one of its own.

    Args:
        states: of the branches, in the order of the batch.
        shape: of the call's picture.
    """
    first, memories = states[0], [state.returned for state in states if isinstance(state.returned, Returned)]
    seen = min(state.seen for state in states)
    return SiteState(
        first.layout, first.match, context=first.context, seen=seen, shape=shape, returned=Together(memories)
    )
