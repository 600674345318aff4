"""What a benchmark found; docs/results-schema.md describes each field."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from tokred.bench.contender import ContenderKind
from tokred.bench.environment import Device, Versions
from tokred.bench.settings import Settings
from tokred.errors import SpecError
from tokred.extras import extra
from tokred.metrics import interval95

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

Axis = Literal["compute", "time"]
"""A cost of a run, over that of the dense model."""


@dataclass(frozen=True)
class Score:
    """What one metric says of a run.

    Attributes:
        mean: over the samples; or the one number of a metric that is of all of them.
        low: lower end of the mean's 95 % interval; the number itself of a metric of all samples.
        high: upper end of the mean's 95 % interval; likewise.
        values: of each sample, in the order of the seeds; there are none of a metric of all samples.
    """

    mean: float
    low: float
    high: float
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_order("low", self.low, "high", self.high)

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Summarise one value per sample."""
        low, high = interval95(values)
        return cls(statistics.fmean(values), low, high, tuple(values))

    @classmethod
    def overall(cls, value: float) -> Self:
        """Take what a metric says of all samples at once."""
        return cls(value, value, value, ())


@dataclass(frozen=True)
class TimeRatio:
    """Time of a run over the time of the dense run before it.

    Attributes:
        median: of the pairs.
        min: of the pairs.
        max: of the pairs.
    """

    median: float
    min: float
    max: float

    def __post_init__(self) -> None:
        _check_order("min", self.min, "median", self.median)
        _check_order("median", self.median, "max", self.max)

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Self:
        """Summarise one ratio per pair."""
        return cls(statistics.median(ratios), min(ratios), max(ratios))


@dataclass(frozen=True)
class Dense:
    """What the dense generation costs, and how good it is.

    Attributes:
        seconds: median time of a generation of `timing_batch` samples, in seconds.
        samples_per_second: `timing_batch` over `seconds`.
        peak_bytes: most memory that PyTorch held on a CUDA device while such a generation ran; None elsewhere.
        flops: operations of a generation of one sample; a multiply-add counts 2.
        scores: by absolute metric; empty where there is none.
    """

    seconds: float
    samples_per_second: float
    peak_bytes: int | None
    flops: int
    scores: dict[str, Score]


@dataclass(frozen=True)
class Row:
    """What one run of a method or baseline cost, and how good its outputs are.

    Attributes:
        method: name of the method or baseline.
        params: its parameters that were given.
        label: name and parameters in one line.
        kind: "method" or "baseline".
        compute: operations of the generation over those of the dense one, matching included.
        site_compute: operations of the reduced sites over their dense ones, as the run's report has it, without
            matching; None for a baseline.
        time_ratio: time over dense time.
        seconds: median time of a generation of `timing_batch` samples, in seconds.
        samples_per_second: `timing_batch` over `seconds`.
        peak_bytes: most memory that PyTorch held on a CUDA device while such a generation ran; None elsewhere.
        identical: whether all outputs are those of the dense model, bit for bit.
        scores: by metric.
    """

    method: str
    params: dict[str, Any]
    label: str
    kind: ContenderKind
    compute: float
    site_compute: float | None
    time_ratio: TimeRatio
    seconds: float
    samples_per_second: float
    peak_bytes: int | None
    identical: bool
    scores: dict[str, Score]

    @property
    def speedup(self) -> float:
        """Dense time over time, by the median of the pairs."""
        return 1 / self.time_ratio.median

    @property
    def reduced(self) -> bool:
        """Whether it did anything: a run that did not is the dense model, and no fronts or comparisons count it."""
        return not self.identical and (self.site_compute is None or self.site_compute < 1)

    def cost(self, axis: Axis) -> float:
        """Return its compute, or the median of its time ratios."""
        return self.compute if axis == "compute" else self.time_ratio.median


@dataclass(frozen=True)
class Failed:
    """A run that raised an error in the middle.

    Attributes:
        method: name of the method or baseline.
        params: its parameters that were given.
        label: name and parameters in one line.
        kind: "method" or "baseline".
        error: what was raised, in one line.
    """

    method: str
    params: dict[str, Any]
    label: str
    kind: ContenderKind
    error: str


@dataclass(frozen=True)
class LeftOut:
    """A run that does not fit the model.

    Attributes:
        label: name and parameters of the method or baseline, in one line.
        why: what it was refused with.
    """

    label: str
    why: str


@dataclass(frozen=True)
class Results:
    """Everything that a benchmark found, and how.

    Attributes:
        schema: version of the file's format.
        model: name of the model.
        settings: steps, samples and repetitions.
        versions: of what computed it.
        device: what computed it.
        date: when it ended, in UTC, as ISO 8601.
        dense: the dense reference.
        rows: one per run.
        failed: the runs that raised an error.
        pending: labels of the runs that are still to be made; there are none once the benchmark is complete.
        left_out: what does not fit the model; nothing where methods were asked for by name.
    """

    schema: Literal[3]
    model: str
    settings: Settings
    versions: Versions
    device: Device
    date: str
    dense: Dense
    rows: tuple[Row, ...]
    failed: tuple[Failed, ...]
    pending: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    def __post_init__(self) -> None:
        self._check_values("dense", self.dense.scores)
        for row in self.rows:
            self._check_values(row.label, row.scores)
            if row.scores.keys() != self.rows[0].scores.keys() or not row.scores.keys() >= self.dense.scores.keys():
                raise SpecError(
                    f"'{row.label}' has scores {', '.join(row.scores) or 'none'}. All rows must have the same, and "
                    "those of the dense reference among them."
                )

    def to_pandas(self) -> pandas.DataFrame:
        """Return a row per run, and the dense model first; see `tokred.bench.frame.results_frame`.

        Raises:
            MissingPackage: if pandas is not installed.
        """
        from tokred.bench.frame import results_frame

        return results_frame(self)

    def plot(self, metric: str | None = None) -> Figure:
        """Draw quality over time and over compute, by the metric of that name or the first one.

        Raises:
            UnknownName: if it was not measured.
            MissingPackage: if matplotlib is not installed.
        """
        from tokred.bench.measures import find_metric

        with extra("plot"):
            from tokred.bench.plots import pareto_figure

        return pareto_figure(self, find_metric(self, metric))

    def _check_values(self, label: str, scores: dict[str, Score]) -> None:
        for name, score in scores.items():
            if score.values and len(score.values) != self.settings.samples:
                raise SpecError(
                    f"{name} of '{label}' has {len(score.values)} values for {self.settings.samples} samples."
                )


def _check_order(lower_name: str, lower: float, upper_name: str, upper: float) -> None:
    if lower > upper:
        raise SpecError(f"{lower_name}={lower} must not be above {upper_name}={upper}.")
