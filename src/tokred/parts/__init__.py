"""The parts that tokred brings along, to compose methods from."""

from tokred.parts.cosine import Cosine
from tokred.parts.grid import GridMatcher
from tokred.parts.pairing import best_destinations
from tokred.parts.random import RandomMatcher
from tokred.parts.recoveries import Cached, Copy
from tokred.parts.schedules import EveryStep, Interval

__all__ = [
    "Cached",
    "Copy",
    "Cosine",
    "EveryStep",
    "GridMatcher",
    "Interval",
    "RandomMatcher",
    "best_destinations",
]
