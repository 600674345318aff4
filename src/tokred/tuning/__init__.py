"""Finding the methods that are worth their time on a model: schedules ranked by recordings, the best refined."""

from tokred.extras import extra

with extra("bench"):
    from tokred.tuning.candidate import Candidate
    from tokred.tuning.carry import measure_carry
    from tokred.tuning.ranking import Ranked, rank_schedules
    from tokred.tuning.recording import Recording, record
    from tokred.tuning.search import Trial, search
    from tokred.tuning.space import neighbour
    from tokred.tuning.target import Target
    from tokred.tuning.tune import Effort, find_finalists

__all__ = [
    "Candidate",
    "Effort",
    "Ranked",
    "Recording",
    "Target",
    "Trial",
    "find_finalists",
    "measure_carry",
    "neighbour",
    "rank_schedules",
    "record",
    "search",
]
