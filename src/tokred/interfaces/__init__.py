"""The four interfaces that a method is composed of."""

from tokred.interfaces.matcher import Draw, Matcher
from tokred.interfaces.recovery import Memory, Recovery
from tokred.interfaces.scheduler import DENSE, SITE_KINDS, Phase, Plan, Scheduler, SiteInfo, SiteKind
from tokred.interfaces.similarity import SIGNALS, Signal, Similarity

__all__ = [
    "DENSE",
    "SIGNALS",
    "SITE_KINDS",
    "Draw",
    "Matcher",
    "Memory",
    "Phase",
    "Plan",
    "Recovery",
    "Scheduler",
    "Signal",
    "Similarity",
    "SiteInfo",
    "SiteKind",
]
