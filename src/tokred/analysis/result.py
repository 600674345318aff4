"""What an analysis found; docs/analysis/index.md describes each field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tokred.analysis.persistence import MEASURES
from tokred.analysis.settings import AnalysisSettings
from tokred.bench.environment import Device, Versions
from tokred.bench.result import Score
from tokred.errors import SpecError

CONTRASTS = (
    "outputs_minus_inputs",
    "outputs_minus_inputs_rank",
    "earlier_outputs_minus_inputs_now",
    "earlier_outputs_minus_inputs_now_rank",
    "reused_over_fresh",
    "reused_over_inputs",
)
"""What is compared within each generation, over its steps of at least `lag` and all sites.

`outputs_minus_inputs`: correlation of outputs at both steps, less that of inputs at both.
`earlier_outputs_minus_inputs_now`: correlation of this step's outputs with those `lag` steps earlier, less that with
this step's own inputs. Both of cosines; `rank`: of ranks. `reused_over_fresh`: recovery error of pairs matched by
outputs `lag` steps earlier, over that of pairs matched by this step's outputs. `reused_over_inputs`: over that of pairs
matched by this step's inputs.
"""


@dataclass(frozen=True)
class Band:
    """Means over the generations, with their 95 % intervals, of one site or step each.

    Attributes:
        mean: over the generations.
        low: lower ends.
        high: upper ends.
    """

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.low) == len(self.high):
            raise SpecError("mean, low and high must have as many entries each.")


@dataclass(frozen=True)
class Curve:
    """One measure at one lag; see `tokred.analysis.persistence.Measure`.

    Attributes:
        lag: distance of the two steps.
        score: of each generation the mean over all sites and all steps of at least `lag`.
        by_site: means over the steps, of each site.
        by_step: means over the sites, of each step from `lag` on.
        cells: means over the generations, of each site a list with each step from `lag` on.
    """

    lag: int
    score: Score
    by_site: Band
    by_step: Band
    cells: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Contrast:
    """Two things compared within each generation; see `CONTRASTS`.

    Attributes:
        lag: distance of the two steps.
        score: of each generation.
    """

    lag: int
    score: Score


@dataclass(frozen=True)
class Blocking:
    """Gradient energy of pictures across a grid's lines, over that elsewhere; see `tokred.analysis.blocking`.

    Attributes:
        tokens: the lines between tokens.
        cells: the lines between cells of one destination each, which are some of them.
    """

    tokens: Score
    cells: Score


@dataclass(frozen=True)
class PenaltyRun:
    """What DiTo drew with one weight of the selection-frequency penalty.

    Attributes:
        weight: of the penalty; 0 is none.
        label: the method with its parameters.
        matches: number of matches in a generation.
        psnr: against the dense pictures, in dB.
        picture: blocking of the pictures.
        error: blocking of their difference from the dense ones.
        map_cells: blocking of the token map (how often each token was removed) at the lines between cells.
        always: share of the tokens of a site that all matches removed.
        frequency: how often each token was removed, as a share of sites, matches and generations; a list for each row.
    """

    weight: float
    label: str
    matches: int
    psnr: Score
    picture: Blocking
    error: Blocking
    map_cells: Score
    always: Score
    frequency: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Failure:
    """One of the worst pictures.

    Attributes:
        seed: of the picture.
        asked: the class or prompt.
        psnr: against the dense picture, in dB.
    """

    seed: int
    asked: str
    psnr: float


@dataclass(frozen=True)
class Failures:
    """The worst pictures of a method.

    Attributes:
        label: the method with its parameters.
        compute: operations of the reduced sites over their dense ones, without matching.
        psnr: of all pictures against the dense ones, in dB.
        worst: those with the lowest PSNR, the worst first.
    """

    label: str
    compute: float
    psnr: Score
    worst: tuple[Failure, ...]


@dataclass(frozen=True)
class Watched:
    """What of a model was watched.

    Attributes:
        patch: height and width of a token, in pixels.
        sites: names of the sites, in order.
        blocks: number of transformer blocks that they are in.
    """

    patch: int
    sites: tuple[str, ...]
    blocks: int


@dataclass(frozen=True)
class Analysis:
    """Everything that an analysis found, and how.

    Attributes:
        schema: version of the file's format.
        model: name of the model.
        settings: how much was watched.
        versions: of what computed it.
        device: what computed it.
        date: when it ended, in UTC, as ISO 8601.
        watched: the sites that were looked at.
        curves: by measure, in the order of the lags, 0 first.
        contrasts: by name, likewise.
        dense: blocking of the dense pictures.
        penalties: one for each weight.
        failures: of the setting that the benchmark recommends.
    """

    schema: Literal[2]
    model: str
    settings: AnalysisSettings
    versions: Versions
    device: Device
    date: str
    watched: Watched
    curves: dict[str, tuple[Curve, ...]]
    contrasts: dict[str, tuple[Contrast, ...]]
    dense: Blocking
    penalties: tuple[PenaltyRun, ...]
    failures: Failures

    def __post_init__(self) -> None:
        lags = [0, *self.settings.lags]
        for what, found, names in (("curves", self.curves, MEASURES), ("contrasts", self.contrasts, CONTRASTS)):
            if tuple(found) != names:
                raise SpecError(f"{what} must be {', '.join(names)}, in that order, not {', '.join(found) or 'none'}.")
            for name, entries in found.items():
                if [entry.lag for entry in entries] != lags:
                    raise SpecError(f"{what}.{name} must have an entry for each of the lags {lags}.")
        for curves in self.curves.values():
            for curve in curves:
                self._check_curve(curve)
        if tuple(run.weight for run in self.penalties) != self.settings.penalties:
            raise SpecError(f"penalties must have an entry for each of the weights {self.settings.penalties}.")
        for name, score in self._scores():
            if len(score.values) != self.settings.samples:
                raise SpecError(f"{name} has {len(score.values)} values for {self.settings.samples} generations.")

    def _check_curve(self, curve: Curve) -> None:
        sites, steps = len(self.watched.sites), self.settings.steps - curve.lag
        shape = (len(curve.by_site.mean), len(curve.by_step.mean), *{len(row) for row in curve.cells})
        if shape != (sites, steps, steps) or len(curve.cells) != sites:
            raise SpecError(f"A curve of lag {curve.lag} must have {sites} sites and {steps} steps.")

    def _scores(self) -> list[tuple[str, Score]]:
        found = [("dense", self.dense.tokens), ("dense", self.dense.cells), ("failures", self.failures.psnr)]
        for name, entries in (self.curves | self.contrasts).items():
            found += [(name, entry.score) for entry in entries]
        for run in self.penalties:
            scores = (run.psnr, run.map_cells, run.always)
            blocking = (run.picture.tokens, run.picture.cells, run.error.tokens, run.error.cells)
            found += [(run.label, score) for score in (*scores, *blocking)]
        return found
