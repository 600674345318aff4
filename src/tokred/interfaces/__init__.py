"""The four interfaces that a method is composed of."""

from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred.interfaces.matcher import Draw, Matcher, Trained
    from tokred.interfaces.memory import Memory, MemorySpec
    from tokred.interfaces.recovery import Recovery
    from tokred.interfaces.scheduler import DENSE, Match, Phase, Plan, Scheduler
    from tokred.interfaces.similarity import NEED_PAST, OF_ATTENTION, SIGNALS, Signal, Similarity, known_before
    from tokred.interfaces.site import SITE_KINDS, SiteInfo, SiteKind


__all__ = [
    "DENSE",
    "NEED_PAST",
    "OF_ATTENTION",
    "SIGNALS",
    "SITE_KINDS",
    "Draw",
    "Match",
    "Matcher",
    "Memory",
    "MemorySpec",
    "Phase",
    "Plan",
    "Recovery",
    "Scheduler",
    "Signal",
    "Similarity",
    "SiteInfo",
    "SiteKind",
    "Trained",
    "known_before",
]

__getattr__, __dir__ = lazily(__name__)
