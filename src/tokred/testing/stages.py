"""Where each kind of component is made to work."""

from __future__ import annotations

from collections.abc import Callable

from tokred.registry import Kind
from tokred.testing.applying import applications
from tokred.testing.check import Stage, Subject
from tokred.testing.matcher import matcher_stages
from tokred.testing.recovery import recovery_stages
from tokred.testing.scheduler import scheduler_stages
from tokred.testing.signal import signal_stages
from tokred.testing.similarity import similarity_stages

_OF_PARTS: dict[Kind, Callable[[Subject], list[Stage]]] = {
    "similarity": similarity_stages,
    "matcher": matcher_stages,
    "scheduler": scheduler_stages,
    "recovery": recovery_stages,
    "signal": signal_stages,
}


def stages(subject: Subject) -> list[Stage]:
    """Return where `subject` is made to work."""
    if subject.kind in _OF_PARTS:
        return _OF_PARTS[subject.kind](subject)
    return [application.stage() for application in applications(subject)]
