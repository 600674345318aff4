"""tokred's own parts, to compose methods from."""

from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred.parts.blend import Blend
    from tokred.parts.cells import cells_of, check_stride, count_cells
    from tokred.parts.checks import check_at_least, check_numbers, check_ratio
    from tokred.parts.cosine import Cosine
    from tokred.parts.delta import Delta
    from tokred.parts.euclidean import Euclidean
    from tokred.parts.forecast import Forecast, Variable
    from tokred.parts.frequency import FrequencyPenalty
    from tokred.parts.gate import Gate
    from tokred.parts.grid import GridMatcher
    from tokred.parts.of_signal import OfSignal
    from tokred.parts.oracle import Oracle
    from tokred.parts.pairing import all_but, best_destinations, closest_pairs, in_chunks
    from tokred.parts.planned import Planned
    from tokred.parts.program import Program
    from tokred.parts.random import RandomMatcher
    from tokred.parts.recoveries import Cached, Copy, Untouched
    from tokred.parts.roles import RoleMatcher
    from tokred.parts.schedules import PMR_THRESHOLD, EveryStep, GuidedInterval, Interval
    from tokred.parts.stages import Stages
    from tokred.parts.stateless import Stateless
    from tokred.parts.unchanged import UnchangedMatcher
    from tokred.parts.wrapping import Wrapping
    from tokred.reduction import take_rows


__all__ = [
    "PMR_THRESHOLD",
    "Blend",
    "Cached",
    "Copy",
    "Cosine",
    "Delta",
    "Euclidean",
    "EveryStep",
    "Forecast",
    "FrequencyPenalty",
    "Gate",
    "GridMatcher",
    "GuidedInterval",
    "Interval",
    "OfSignal",
    "Oracle",
    "Planned",
    "Program",
    "RandomMatcher",
    "RoleMatcher",
    "Stages",
    "Stateless",
    "UnchangedMatcher",
    "Untouched",
    "Variable",
    "Wrapping",
    "all_but",
    "best_destinations",
    "cells_of",
    "check_at_least",
    "check_numbers",
    "check_ratio",
    "check_stride",
    "closest_pairs",
    "count_cells",
    "in_chunks",
    "take_rows",
]

__getattr__, __dir__ = lazily(__name__)
