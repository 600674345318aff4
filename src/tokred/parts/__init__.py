"""The parts that tokred brings along, to compose methods from."""

from tokred.parts.cosine import Cosine
from tokred.parts.delta import Delta
from tokred.parts.forecast import Forecast
from tokred.parts.frequency import FrequencyPenalty
from tokred.parts.grid import GridMatcher
from tokred.parts.oracle import Oracle
from tokred.parts.pairing import best_destinations
from tokred.parts.planned import Planned
from tokred.parts.program import Program
from tokred.parts.random import RandomMatcher
from tokred.parts.recoveries import Cached, Copy
from tokred.parts.schedules import PMR_THRESHOLD, EveryStep, GuidedInterval, Interval

__all__ = [
    "PMR_THRESHOLD",
    "Cached",
    "Copy",
    "Cosine",
    "Delta",
    "EveryStep",
    "Forecast",
    "FrequencyPenalty",
    "GridMatcher",
    "GuidedInterval",
    "Interval",
    "Oracle",
    "Planned",
    "Program",
    "RandomMatcher",
    "best_destinations",
]
