"""Where each kind of component is made to work."""

from __future__ import annotations

from collections.abc import Callable

from tokred.registry import Kind
from tokred.testing.applying import applications
from tokred.testing.check import Specimen, Stage
from tokred.testing.matcher import matcher_stages
from tokred.testing.metric import metric_stages
from tokred.testing.recovery import recovery_stages
from tokred.testing.scheduler import scheduler_stages
from tokred.testing.signal import signal_stages
from tokred.testing.similarity import similarity_stages

_OF_PARTS: dict[Kind, Callable[[Specimen], list[Stage]]] = {
    "similarity": similarity_stages,
    "matcher": matcher_stages,
    "scheduler": scheduler_stages,
    "recovery": recovery_stages,
    "signal": signal_stages,
    "metric": metric_stages,
}


def stages(specimen: Specimen) -> list[Stage]:
    """Return where `specimen` is made to work."""
    if specimen.kind in _OF_PARTS:
        return _OF_PARTS[specimen.kind](specimen)
    return [application.stage() for application in applications(specimen)]
