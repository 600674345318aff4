"""What a benchmark found, and its file; docs/results-schema.md describes each field."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from tokred.bench.contender import ContenderKind
from tokred.bench.environment import Device, Versions
from tokred.bench.files import replacing
from tokred.bench.plain import read_plain
from tokred.bench.settings import Settings
from tokred.errors import SpecError
from tokred.metrics import interval95


@dataclass(frozen=True)
class Score:
    """One quality metric of a run.

    Attributes:
        mean: over the samples.
        low: lower end of the mean's 95 % interval.
        high: upper end of the mean's 95 % interval.
        values: of each sample, in the order of the seeds.
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
    """What the dense generation costs.

    Attributes:
        seconds: median time of a generation of `timing_batch` samples, in seconds.
        flops: operations of a generation of one sample; a multiply-add counts 2.
    """

    seconds: float
    flops: int


@dataclass(frozen=True)
class Row:
    """What one run of a method or rival cost, and how far its pictures are from the dense ones.

    Attributes:
        method: name of the method or rival.
        params: its parameters that were given.
        label: name and parameters in one line.
        kind: "method" or "rival".
        compute: operations of the generation over those of the dense one, matching included.
        site_compute: operations of the reduced sites over their dense ones, as the run's report has it, without
            matching; None for a rival.
        time_ratio: time over dense time.
        psnr: in dB, of each picture against the dense one of the same seed; higher is closer.
        ssim: likewise, at most 1; higher is closer.
        lpips: likewise, at least 0; lower is closer.
    """

    method: str
    params: dict[str, Any]
    label: str
    kind: ContenderKind
    compute: float
    site_compute: float | None
    time_ratio: TimeRatio
    psnr: Score
    ssim: Score
    lpips: Score


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
        dense: cost of the dense reference.
        rows: one per run.
    """

    schema: Literal[1]
    model: str
    settings: Settings
    versions: Versions
    device: Device
    date: str
    dense: Dense
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            for name, score in (("psnr", row.psnr), ("ssim", row.ssim), ("lpips", row.lpips)):
                if len(score.values) != self.settings.samples:
                    raise SpecError(
                        f"{name} of '{row.label}' has {len(score.values)} values for {self.settings.samples} samples."
                    )


def validate(data: object) -> Results:
    """Return plain data, as `json.loads` gives it, as `Results`.

    Raises:
        SpecError: if it is not of the schema; the message says where.
    """
    results: Results = read_plain(Results, data, "results")
    return results


def read_results(path: str | Path) -> Results:
    """Read a results file.

    Raises:
        SpecError: if it is not of the schema.
    """
    try:
        data = json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise SpecError(f"{path} is no JSON: {error}. Name a results.json that `tokred bench` wrote.") from error
    return validate(data)


def write_results(results: Results, path: str | Path) -> None:
    """Write a results file, whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    text = json.dumps(dataclasses.asdict(results), indent=1, allow_nan=False)
    with replacing(Path(path)) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _check_order(lower_name: str, lower: float, upper_name: str, upper: float) -> None:
    if lower > upper:
        raise SpecError(f"{lower_name}={lower} must not be above {upper_name}={upper}.")
