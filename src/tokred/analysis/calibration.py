"""A schedule from what was seen: the longest intervals over which pairs last."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tokred.analysis.pairs import Lasting, PairMeter
from tokred.analysis.settings import usual_steps, watched_at_once
from tokred.analysis.watch import denoiser_of, finest, watching
from tokred.bench.files import replacing
from tokred.bench.settings import check_samples
from tokred.bench.subject import Subject, check_draws
from tokred.errors import SpecError
from tokred.family.sites import sites_of
from tokred.parts import PMR_THRESHOLD, GridMatcher
from tokred.parts.checks import check_at_least


@dataclass(frozen=True)
class Calibration:
    """Where a model should match, and what that was worked out from: a schedule file, for `tokred.parts.Planned.read`.

    Attributes:
        model: name of the model.
        steps: denoising steps of the generations that were watched.
        samples: number of generations.
        ratio: share of the image tokens that the pairs removed.
        threshold: pair match ratio that intervals do not fall below.
        matches: the Matching steps, as shares of the generation.
    """

    model: str
    steps: int
    samples: int
    ratio: float
    threshold: float
    matches: tuple[float, ...]


def mean_pmr(found: Iterable[Lasting]) -> dict[tuple[int, int], float]:
    """Return the pair match ratio of each (step, lag), the mean over sites and generations."""
    values: dict[tuple[int, int], list[float]] = defaultdict(list)
    for entry in found:
        values[entry.step, entry.lag].append(entry.pmr)
    return {key: statistics.fmean(ratios) for key, ratios in values.items()}


def matching_steps(
    pmr: Mapping[tuple[int, int], float], steps: int, threshold: float, *, dense_first: int, longest: int
) -> list[int]:
    """Choose Matching steps: from each the longest interval whose pair match ratio is at least `threshold`.

    Args:
        pmr: pair match ratio by (step, lag).
        steps: number of denoising steps.
        threshold: in (0, 1).
        dense_first: number of dense steps at the start, at least 1; the last of them is the first Matching step.
        longest: the greatest interval, at least 2, which is also the least.
    """
    chosen = [dense_first - 1]
    while True:
        lasting = [lag for lag in range(2, longest + 1) if pmr.get((chosen[-1] + lag, lag), 0.0) >= threshold]
        following = chosen[-1] + max(lasting, default=2)
        if following >= steps:
            return chosen
        chosen.append(following)


def calibrate(
    subject: Subject,
    *,
    threshold: float = PMR_THRESHOLD,
    ratio: float = 0.5,
    steps: int | None = None,
    samples: int = 4,
    seed: int = 1000,
    dense_first: int = 1,
    longest: int = 8,
) -> Calibration:
    """Watch dense generations, and choose for each Matching step the longest interval over which pairs last.

    Pairs are matched by outputs at every attention and MLP (every block where both are computed at once).

    Args:
        subject: a pipeline that draws.
        threshold: pair match ratio that intervals do not fall below, in (0, 1); the mean over sites and samples. The
            default is a choice, see `tokred.parts.GuidedInterval`.
        ratio: share of the image tokens that the pairs remove, in (0, 0.75].
        steps: denoising steps; by default what the model is meant for.
        samples: number of generations, at least 1.
        seed: of the first; the next ones count up. Measure on other seeds than these.
        dense_first: number of dense steps at the start, at least 1; the last of them is the first Matching step.
        longest: the greatest interval, at least 2, which is also the least.

    Raises:
        SpecError: a number is out of range, or the model does not draw; nothing was drawn.
        UnsupportedModel: it has not one denoiser that a family describes.
    """
    check_draws(subject)
    _check(threshold, ratio)
    check_samples(samples)
    check_at_least("samples", samples, 1, "the number of generations that are watched")
    check_at_least("dense_first", dense_first, 1, "the number of dense steps at the start")
    check_at_least("longest", longest, 2, "the greatest number of steps from one match to the next")
    steps, batch = usual_steps(subject) if steps is None else steps, watched_at_once(subject)
    check_at_least("steps", steps, 1, "the number of denoising steps")
    meter = PairMeter(range(2, longest + 1), ratio)
    model, family = denoiser_of(subject.model, "A calibration")
    with watching(subject.model, family, finest(sites_of(family, model)), meter):
        for start in range(0, samples, batch):
            subject.generate(range(seed + start, seed + min(start + batch, samples)), steps)
    chosen = matching_steps(mean_pmr(meter.found), steps, threshold, dense_first=dense_first, longest=longest)
    return Calibration(subject.name, steps, samples, ratio, threshold, tuple(step / steps for step in chosen))


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a schedule file, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(calibration), indent=1) + "\n", encoding="utf-8")


def _check(threshold: float, ratio: float) -> None:
    if not 0 < threshold < 1:
        raise SpecError(f"threshold={threshold} must be in (0, 1): the pair match ratio that intervals keep.")
    if not 0 < ratio <= GridMatcher().max_ratio:
        raise SpecError(f"ratio={ratio} must be in (0, {GridMatcher().max_ratio}]: the share of the tokens removed.")
