"""Finding the methods that are worth their time on a model: a search over schedules, ratios and recoveries."""

from tokred.tuning.candidate import Candidate
from tokred.tuning.halving import Trial, search
from tokred.tuning.space import draw, neighbour
from tokred.tuning.target import Target
from tokred.tuning.tune import Effort, find_finalists

__all__ = ["Candidate", "Effort", "Target", "Trial", "draw", "find_finalists", "neighbour", "search"]
