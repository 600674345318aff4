"""The interface of a scheduler: what a site does at which denoising step.

Not to be confused with a diffusers sampler, which diffusers also calls a scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from tokred.interfaces.site import SiteInfo

if TYPE_CHECKING:
    from tokred.interfaces.matcher import Matcher


class Phase(Enum):
    """What happens when a site is called.

    `DENSE`: the original call. `MATCH`: the original call, and the correspondences are made from it (where sites share
    them, from the first one's).
    `REDUCE`: the site runs on the kept tokens of the last match. `MATCH_REDUCE`: both in one call, from a signal that
    is known before the site runs. `ORACLE`: the site runs on all tokens only for its signal, and then again on those
    that are kept; it costs more than `DENSE`, and is for measuring what reused correspondences lose.

    Attributes:
        matches: whether correspondences are made in this call.
        reduces: whether the site returns what fewer tokens were computed for in this call.
    """

    matches: bool
    reduces: bool

    DENSE = "dense"
    MATCH = "match"
    REDUCE = "reduce"
    MATCH_REDUCE = "match+reduce"
    ORACLE = "oracle"

    def __init__(self, word: str) -> None:
        # Plain attributes: they are read several times at each site of each call.
        self.matches = word in ("match", "match+reduce", "oracle")
        self.reduces = word in ("reduce", "match+reduce", "oracle")

    __hash__ = object.__hash__  # that of an enumeration is slow, and is asked for at each site of each call


@dataclass(frozen=True)
class Plan:
    """What a site does in one call.

    Attributes:
        phase: see `Phase`.
        ratio: share of the image tokens that the correspondences remove, of those that reach the site, in [0, 1]; at a
            `MATCH` it is the ratio of the reduce steps that follow. 0 makes any phase dense. At 1 nothing is left to
            compute: the site is not called, its output is what the recovery recalls, and no correspondences are needed.
        redraw: whether a match draws anew. Without it the matcher gets what it drew at the last match, and the pair
            match ratio of the two is measured.
        matcher: makes the match in place of the method's own matcher, for methods that match in another way at some
            steps or sites; both are given the same memory. None for the method's own.
        counted: whether the matcher says how many tokens go, see `Counting`, in place of the ratio. It needs a signal
            of what the model returned.
    """

    phase: Phase
    ratio: float = 0.0
    redraw: bool = True
    matcher: Matcher | None = None
    counted: bool = False

    @cached_property
    def skips(self) -> bool:
        """Whether the site is not called."""
        return self.ratio == 1 and self.phase.reduces


DENSE = Plan(Phase.DENSE)
"""The plan of a site that is left alone."""


@dataclass(frozen=True)
class Match:
    """A step of this generation at which sites matched.

    Attributes:
        step: index of the denoising step.
        pmr: pair match ratio with the match before it, in [0, 1], the mean over sites and samples; None where the two
            were not drawn alike.
    """

    step: int
    pmr: float | None = None


Watched = Literal["change", "miss"]
"""What takes a look at the picture, see `Seen`."""


@dataclass(frozen=True)
class Seen:
    """What is known of a generation besides the number of its steps.

    Attributes:
        noise: the share of noise at every step, see `Recovery`; empty where the sampler does not say beforehand.
        since: number of steps since the model was last computed.
        change: how far what the model is given has moved since then: of each step the mean absolute difference over the
            mean absolute value of the whole batch, added up. 0 unless it is watched.
        miss: how far what would have been recalled was from what the model returned when it was last computed, measured
            likewise; None before there is one, and unless it is watched.
    """

    noise: tuple[float, ...] = ()
    since: int = 1
    change: float = 0.0
    miss: float | None = None


@runtime_checkable
class Scheduler(Protocol):
    """Plans the phase and the ratio of each call; plain Python, outside compiled code."""

    @property
    def ratio(self) -> float:
        """The largest ratio that it ever plans below 1; 1 where it plans that and no other above 0."""
        ...

    @property
    def skips(self) -> bool:
        """Whether it ever plans a ratio of 1."""
        ...

    @property
    def reuses(self) -> bool:
        """Whether correspondences are used at later steps than the one they were made at.

        Such a scheduler needs a model that is called step after step.
        """
        ...

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Say what `site` does at a step.

        Args:
            step: index of the denoising step, from 0.
            steps: number of denoising steps of this generation.
            site: the site that is about to be called.
            matches: the earlier steps of this generation at which any site matched.
        """
        ...


@runtime_checkable
class Looking(Scheduler, Protocol):
    """A scheduler that goes by more than the number of the step.

    Its `plan` is what it plans where nothing else is known.

    Attributes:
        watches: which of "change" and "miss" it is shown, see `Seen`. The host waits for the device at every step for
            each; a picture then depends on what else is in its batch.
    """

    @property
    def watches(self) -> tuple[Watched, ...]:
        """See above."""
        ...

    def plan_seen(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match], seen: Seen) -> Plan:
        """Say what `site` does at a step, as `plan` does, with what is known of the generation."""
        ...


def watched(scheduler: Scheduler) -> tuple[Watched, ...]:
    """Return what a scheduler watches; nothing where it does not look."""
    return scheduler.watches if isinstance(scheduler, Looking) else ()


def plan_of(scheduler: Scheduler, step: int, steps: int, site: SiteInfo, matches: Sequence[Match], seen: Seen) -> Plan:
    """Have a scheduler plan, one that looks with what is known of the generation."""
    if isinstance(scheduler, Looking):
        return scheduler.plan_seen(step, steps, site, matches, seen)
    return scheduler.plan(step, steps, site, matches)
