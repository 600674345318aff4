"""Watches dense generations, then draws the same seeds reduced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import torch

from tokred.analysis.blocking import blocking
from tokred.analysis.cells import Cells
from tokred.analysis.persistence import PersistenceMeter
from tokred.analysis.reduced import Reduced, draw_reduced
from tokred.analysis.result import Analysis, Blocking, Failure, Failures, PenaltyRun, Watched
from tokred.analysis.settings import AnalysisSettings
from tokred.analysis.summary import contrasts, curves
from tokred.analysis.watch import denoiser_of, finest, watching
from tokred.bench.environment import Device, Versions
from tokred.bench.result import Score
from tokred.bench.subject import Subject
from tokred.family.sites import sites_of
from tokred.metrics import psnr

WORST = 4
"""Number of failure cases that are shown."""
STRIDE = 2
"""Height and width of DiTo's cells, in tokens."""


@dataclass(frozen=True)
class Findings:
    """An analysis and its pictures, in the order of the seeds.

    Attributes:
        analysis: every number.
        dense: the dense pictures, `[G, 3, H, W]` in [0, 1].
        penalized: drawn with each weight of the penalty.
        recommended: drawn with the setting whose failures are shown.
    """

    analysis: Analysis
    dense: torch.Tensor
    penalized: tuple[Reduced, ...]
    recommended: Reduced


def analyze(subject: Subject, settings: AnalysisSettings, tell: Callable[[str], None] = lambda what: None) -> Findings:
    """Measure on dense generations of a model whether similarity persists, and on DiTo's what follows from it.

    Every attention and MLP is watched (every block where both are computed at once), at every step.

    Args:
        subject: a pipeline that draws, not reduced; it is given back as it was.
        settings: how much is watched; from `settings_for`.
        tell: is told what happens.

    Raises:
        ConflictError: if the pipeline is patched already.
        UnsupportedModel: if it has not one denoiser, described by a family, with tokens that DiTo can remove.
    """
    lags, batches = (0, *settings.lags), settings.batches
    dense, cells, blocks = _watch(subject, settings, tell)
    base = {"ratio": settings.ratio, "dense_first": settings.dense_first}
    by_weight = [base | {"interval": settings.interval, "penalty": weight} for weight in settings.penalties]
    *penalized, recommended = (
        draw_reduced(subject, params, batches, settings.steps, tell) for params in (*by_weight, base)
    )
    patch = dense.shape[2] // recommended.selected.shape[3]
    analysis = Analysis(
        schema=2,
        model=subject.name,
        settings=settings,
        versions=Versions.here(),
        device=Device.of(subject.device),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        watched=Watched(patch, tuple(cells.places), blocks),
        curves=curves(cells, lags),
        contrasts=contrasts(cells, lags),
        dense=_blocking(dense, patch),
        penalties=tuple(
            _penalty_run(weight, run, dense, patch) for weight, run in zip(settings.penalties, penalized, strict=True)
        ),
        failures=_failures(subject, settings, recommended, dense),
    )
    return Findings(analysis, dense, tuple(penalized), recommended)


def _watch(
    subject: Subject, settings: AnalysisSettings, tell: Callable[[str], None]
) -> tuple[torch.Tensor, Cells, int]:
    """Return the dense pictures `[G, 3, H, W]`, what was measured, and the number of blocks."""
    model, family = denoiser_of(subject.model, "An analysis")
    sites = finest(sites_of(family, model))
    cells, pictures = Cells([site.name for site in sites], settings.steps), []
    for seeds in settings.batches:
        tell(f"dense, seeds {seeds[0]} to {seeds[-1]}")
        meter = PersistenceMeter((0, *settings.lags), settings.ratio)
        with watching(subject.model, family, sites, meter):
            pictures.append(subject.generate(seeds, settings.steps))
        cells.add(meter.found, len(seeds))
    return torch.cat(pictures), cells, len({site.depth for site in sites})


def _blocking(pictures: torch.Tensor, patch: int) -> Blocking:
    tokens, cells = (Score.of(blocking(pictures, patch * period).tolist()) for period in (1, STRIDE))
    return Blocking(tokens, cells)


def _penalty_run(weight: float, run: Reduced, dense: torch.Tensor, patch: int) -> PenaltyRun:
    frequency = run.selected.mean(dim=(0, 1))
    always = (run.selected.mean(dim=0) == 1).float().mean(dim=(0, 2, 3))
    return PenaltyRun(
        weight=weight,
        label=run.label,
        matches=len(run.selected),
        psnr=Score.of(psnr(run.pictures, dense).tolist()),
        picture=_blocking(run.pictures, patch),
        error=_blocking(run.pictures - dense, patch),
        map_cells=Score.of(blocking(frequency.unsqueeze(1), STRIDE).tolist()),
        always=Score.of(always.tolist()),
        frequency=tuple(map(tuple, frequency.mean(dim=0).tolist())),
    )


def _failures(subject: Subject, settings: AnalysisSettings, run: Reduced, dense: torch.Tensor) -> Failures:
    values = psnr(run.pictures, dense).tolist()
    names = subject.prompts(settings.seeds) or [""] * len(values)
    found = sorted(map(Failure, settings.seeds, names, values), key=lambda failure: failure.psnr)
    return Failures(run.label, run.compute, Score.of(values), tuple(found[:WORST]))
