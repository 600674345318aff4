"""How long pairs last: matched at every step over fixed destinations, and held against earlier steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tokred.analysis.history import History
from tokred.analysis.watch import Seen
from tokred.interfaces import Draw
from tokred.parts import Cosine, GridMatcher, all_but
from tokred.pmr import pair_match_ratio
from tokred.reduction import Reduction


class Pairing:
    """Matches as DiTo does by default, over the same destinations at every call.

    Args:
        ratio: share of the image tokens that the pairs remove, in (0, 0.75].
        seed: of the destinations, one in each cell of 2 by 2 tokens.
    """

    def __init__(self, ratio: float, seed: int = 0) -> None:
        self.ratio, self.seed = ratio, seed
        self.matcher, self.cosine = GridMatcher(), Cosine("output")

    def sides(self, seen: Seen) -> tuple[torch.Tensor, torch.Tensor]:
        """Return positions of sources `[S]` and destinations `[D]`, ascending, on the call's device."""
        dst = self.draw(seen)[0]
        return all_but(dst.unsqueeze(0), seen.layout.image)[0], dst

    def draw(self, seen: Seen) -> Draw:
        """Return what the matcher draws, on the call's device."""
        generator = torch.Generator().manual_seed(self.seed)
        return tuple(x.to(seen.outputs.device) for x in self.matcher.draw(seen.layout, self._removed(seen), generator))

    def pairs(self, seen: Seen, features: torch.Tensor) -> Reduction:
        """Match the tokens of a call by `features` `[B, N, C]`."""
        return self.matcher.match(features, self.draw(seen), self._removed(seen), self.cosine, {})

    def _removed(self, seen: Seen) -> int:
        return round(self.ratio * seen.layout.image)


@dataclass(frozen=True)
class Lasting:
    """How many of an earlier step's pairs one site finds again.

    Attributes:
        site: name of the site.
        step: index of the denoising step.
        lag: how many steps earlier the other one is.
        pmr: pair match ratio, matched by outputs; the mean over the batch.
    """

    site: str
    step: int
    lag: int
    pmr: float


class PairMeter:
    """Measures the pair match ratio of each call of a site with earlier ones, and nothing else.

    Args:
        lags: distances in steps that are compared, each at least 0.
        ratio: share of the image tokens that the pairs remove, in (0, 0.75].

    Attributes:
        found: everything found so far.
    """

    def __init__(self, lags: Sequence[int], ratio: float) -> None:
        self.pairing = Pairing(ratio)
        self.history: History[Reduction] = History(lags)
        self.found: list[Lasting] = []

    def __call__(self, seen: Seen) -> None:
        """Compare a call with earlier ones, and remember it."""
        now = self.pairing.pairs(seen, seen.outputs)
        for lag, then in self.history.add(seen, now):
            pmr = pair_match_ratio(then, now).mean().item()
            self.found.append(Lasting(seen.site.name, seen.position.step, lag, pmr))
