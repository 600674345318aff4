"""The four interfaces that a method is composed of, and the signals that one of them compares."""

from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred.interfaces.around import Around, Forward
    from tokred.interfaces.matcher import Counting, Draw, DrawsTogether, Matcher, Trained
    from tokred.interfaces.memory import Memory, MemorySpec, Remembered
    from tokred.interfaces.place import ClassToken, Place, Shown
    from tokred.interfaces.recovery import Recovery
    from tokred.interfaces.scheduler import (
        DENSE,
        Looking,
        Match,
        Phase,
        Plan,
        Scheduler,
        Seen,
        Watched,
        plan_of,
        watched,
    )
    from tokred.interfaces.signal import Probe, Signal
    from tokred.interfaces.similarity import Similarity
    from tokred.interfaces.site import SITE_KINDS, SiteInfo, SiteKind
    from tokred.interfaces.time import Time


__all__ = [
    "DENSE",
    "SITE_KINDS",
    "Around",
    "ClassToken",
    "Counting",
    "Draw",
    "DrawsTogether",
    "Forward",
    "Looking",
    "Match",
    "Matcher",
    "Memory",
    "MemorySpec",
    "Phase",
    "Place",
    "Plan",
    "Probe",
    "Recovery",
    "Remembered",
    "Scheduler",
    "Seen",
    "Shown",
    "Signal",
    "Similarity",
    "SiteInfo",
    "SiteKind",
    "Time",
    "Trained",
    "Watched",
    "plan_of",
    "watched",
]

__getattr__, __dir__ = lazily(__name__)
