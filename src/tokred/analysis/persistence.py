"""Whether similarity persists: what a site's tokens say of each other at one step, held against earlier steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from tokred.analysis.correlation import correlation, ranks, standardized
from tokred.analysis.history import History
from tokred.analysis.pairs import Pairing
from tokred.analysis.watch import Seen
from tokred.pmr import pair_match_ratio
from tokred.reduction import Reduction

Measure = Literal[
    "outputs_pearson",
    "outputs_rank",
    "inputs_pearson",
    "inputs_rank",
    "crossed_pearson",
    "crossed_rank",
    "outputs_pmr",
    "inputs_pmr",
    "outputs_error",
    "inputs_error",
]
"""What is measured of a step and an earlier one.

The first word says whose similarity: of `outputs` at both steps, of `inputs` at both, or `crossed`, of inputs at the
earlier step and outputs at this one. `pearson` is the linear correlation of their cosines, source by destination, and
`rank` that of the cosines' ranks. `pmr` is the pair match ratio of the earlier step's pairs with this one's. `error` is
that of recovering this step's outputs from pairs matched by outputs, or inputs, at the earlier step.
"""
MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True)
class Persistence:
    """What one site says at one step of an earlier one.

    Attributes:
        site: name of the site.
        step: index of the denoising step.
        lag: how many steps earlier the other one is; 0 compares the step with itself.
        values: each measure, `[B]`, float64, on the CPU.
    """

    site: str
    step: int
    lag: int
    values: Mapping[Measure, torch.Tensor]


@dataclass(frozen=True)
class _Side:
    """What one signal says at a step: cosines and their ranks `[B, S * D]`, both standardized, and the pairs."""

    cosines: torch.Tensor
    ranks: torch.Tensor
    pairs: Reduction


@dataclass(frozen=True)
class _Step:
    outputs: _Side
    inputs: _Side


class PersistenceMeter:
    """Compares each call of a site with earlier ones of the same generation, over fixed destinations.

    Args:
        lags: distances in steps that are compared, each at least 0.
        ratio: share of the image tokens that the pairs remove, in (0, 0.75].

    Attributes:
        found: everything found so far.
    """

    def __init__(self, lags: Sequence[int], ratio: float) -> None:
        self.pairing = Pairing(ratio)
        self.history: History[_Step] = History(lags)
        self.found: list[Persistence] = []

    def __call__(self, seen: Seen) -> None:
        """Compare a call with earlier ones, and remember it."""
        now = _Step(self._side(seen, seen.outputs), self._side(seen, seen.inputs))
        for lag, then in self.history.add(seen, now):
            values = {name: value.double().cpu() for name, value in _compared(seen.outputs, now, then).items()}
            self.found.append(Persistence(seen.site.name, seen.position.step, lag, values))

    def _side(self, seen: Seen, x: torch.Tensor) -> _Side:
        src, dst = self.pairing.sides(seen)
        cosines = self.pairing.cosine.scores(x.index_select(1, src), x.index_select(1, dst))
        # Standardized in float64, kept in float32: many steps are remembered.
        return _Side(standardized(cosines).float(), standardized(ranks(cosines)).float(), self.pairing.pairs(seen, x))


def recovery_error(outputs: torch.Tensor, pairs: Reduction) -> torch.Tensor:
    """Return the error of giving each removed token its destination's output.

    It is relative to all outputs, not to those removed: two ways of matching may remove different tokens, and their
    errors are over the same length then.

    Args:
        outputs: the true outputs, `[B, N, C]`.
        pairs: which tokens are removed, and into which.

    Returns:
        Squared distance over all tokens, over their squared length, `[B]`, float64; 0 where outputs are zero.
    """
    error = (pairs.unmerge(pairs.merge(outputs)) - outputs).square().sum(dim=(1, 2), dtype=torch.float64)
    power = outputs.square().sum(dim=(1, 2), dtype=torch.float64)
    return error / power.clamp_min(torch.finfo(torch.float64).tiny)


def _compared(outputs: torch.Tensor, now: _Step, then: _Step) -> dict[Measure, torch.Tensor]:
    return {
        "outputs_pearson": correlation(now.outputs.cosines, then.outputs.cosines),
        "outputs_rank": correlation(now.outputs.ranks, then.outputs.ranks),
        "inputs_pearson": correlation(now.inputs.cosines, then.inputs.cosines),
        "inputs_rank": correlation(now.inputs.ranks, then.inputs.ranks),
        "crossed_pearson": correlation(now.outputs.cosines, then.inputs.cosines),
        "crossed_rank": correlation(now.outputs.ranks, then.inputs.ranks),
        "outputs_pmr": pair_match_ratio(then.outputs.pairs, now.outputs.pairs),
        "inputs_pmr": pair_match_ratio(then.inputs.pairs, now.inputs.pairs),
        "outputs_error": recovery_error(outputs, then.outputs.pairs),
        "inputs_error": recovery_error(outputs, then.inputs.pairs),
    }
