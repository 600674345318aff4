"""Whether similarity persists: what a site's tokens say of each other at one step, held against earlier steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tokred.analysis.correlation import pearson, ranks
from tokred.analysis.watch import Seen
from tokred.interfaces import Draw
from tokred.parts import Cosine, GridMatcher
from tokred.pmr import pair_match_ratio
from tokred.reduction import Reduction


@dataclass(frozen=True)
class Persistence:
    """What one site says at one step of the pairs of an earlier one; means over the batch.

    Attributes:
        site: name of the site.
        depth: index of its transformer block.
        step: index of the denoising step.
        lag: how many steps earlier the other one is; 0 compares the step with itself.
        outputs_pearson: correlation of the cosines of outputs at both steps, source by destination.
        outputs_spearman: their rank correlation.
        inputs_pearson: correlation of the cosines of inputs at both steps.
        inputs_spearman: their rank correlation.
        crossed_pearson: correlation of the cosines of inputs at the earlier step with those of outputs at this one.
        pmr: pair match ratio of the earlier step's pairs, matched by outputs, with this one's.
        reused_error: error of recovering the removed outputs from pairs matched by outputs at the earlier step: squared
            distance from the true outputs over their squared length.
        input_error: likewise from pairs matched by inputs at the earlier step.
    """

    site: str
    depth: int
    step: int
    lag: int
    outputs_pearson: float
    outputs_spearman: float
    inputs_pearson: float
    inputs_spearman: float
    crossed_pearson: float
    pmr: float
    reused_error: float
    input_error: float


@dataclass(frozen=True)
class _Side:
    """What one signal says at a step: the cosines `[B, S, D]`, their ranks `[B, S * D]`, and the pairs."""

    cosines: torch.Tensor
    ranks: torch.Tensor
    pairs: Reduction


@dataclass(frozen=True)
class _Step:
    """What is kept of a step."""

    step: int
    outputs: _Side
    inputs: _Side


class PersistenceMeter:
    """Compares each call of a site with earlier ones of the same generation, over fixed destinations.

    Args:
        lags: distances in steps that are compared, each at least 0.
        ratio: share of the image tokens that the pairs remove, in (0, 0.75].
        seed: of the destinations, one in each cell of 2 by 2 tokens.

    Attributes:
        found: everything found so far.
    """

    def __init__(self, lags: Sequence[int], ratio: float, seed: int = 0) -> None:
        self.lags, self.ratio, self.seed = tuple(lags), ratio, seed
        self.matcher, self.cosine = GridMatcher(), Cosine("output")
        self.past: dict[tuple[str, str], deque[_Step]] = {}
        self.found: list[Persistence] = []

    def __call__(self, seen: Seen) -> None:
        """Compare a call with earlier ones, and remember it."""
        key = (seen.site.name, seen.position.branch)
        past = self.past.setdefault(key, deque(maxlen=max(self.lags) + 1))
        if past and past[-1].step >= seen.position.step:
            past.clear()  # another generation
        now = self._step(seen)
        past.append(now)
        for then in past:
            if now.step - then.step in self.lags:
                self.found.append(_compare(seen, now, then))

    def _step(self, seen: Seen) -> _Step:
        removed = round(self.ratio * seen.layout.image)
        draw = self.matcher.draw(seen.layout, removed, torch.Generator().manual_seed(self.seed))
        draw = tuple(tensor.to(seen.outputs.device) for tensor in draw)
        outputs, inputs = (self._side(x, draw, removed) for x in (seen.outputs, seen.inputs))
        return _Step(seen.position.step, outputs, inputs)

    def _side(self, x: torch.Tensor, draw: Draw, removed: int) -> _Side:
        src, dst = draw
        cosines = self.cosine.scores(x.index_select(1, src), x.index_select(1, dst))
        return _Side(cosines, ranks(cosines), self.matcher.match(x, draw, removed, self.cosine, {}))


def recovery_error(outputs: torch.Tensor, pairs: Reduction) -> torch.Tensor:
    """Return the error of giving each removed token its destination's output.

    Args:
        outputs: the true outputs, `[B, N, C]`.
        pairs: which tokens are removed, and into which.

    Returns:
        Squared distance over all removed tokens, over their squared length, `[B]`.
    """
    recovered = pairs.unmerge(pairs.merge(outputs)).double()
    removed = ~pairs.is_kept.unsqueeze(-1)
    distance = ((recovered - outputs.double()).square() * removed).sum(dim=(1, 2))
    return distance / (outputs.double().square() * removed).sum(dim=(1, 2)).clamp_min(torch.finfo(torch.float64).tiny)


def _compare(seen: Seen, now: _Step, then: _Step) -> Persistence:
    values = {
        "outputs_pearson": pearson(now.outputs.cosines, then.outputs.cosines),
        "outputs_spearman": pearson(now.outputs.ranks, then.outputs.ranks),
        "inputs_pearson": pearson(now.inputs.cosines, then.inputs.cosines),
        "inputs_spearman": pearson(now.inputs.ranks, then.inputs.ranks),
        "crossed_pearson": pearson(now.outputs.cosines, then.inputs.cosines),
        "pmr": pair_match_ratio(then.outputs.pairs, now.outputs.pairs),
        "reused_error": recovery_error(seen.outputs, then.outputs.pairs),
        "input_error": recovery_error(seen.outputs, then.inputs.pairs),
    }
    means = {name: value.double().mean().item() for name, value in values.items()}
    return Persistence(seen.site.name, seen.site.depth, now.step, now.step - then.step, **means)
