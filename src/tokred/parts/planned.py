"""A schedule that was worked out beforehand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tokred.errors import SpecError
from tokred.interfaces import DENSE, Match, Phase, Plan, SiteInfo
from tokred.parts.checks import check_ratio


@dataclass(frozen=True)
class Planned:
    """Match at given places of the generation, and reuse the correspondences in between.

    Attributes:
        ratio: share of the image tokens that the reduce steps remove, in [0, 1]; at 1 they call no site.
        matches: where sites match, as shares of the generation in [0, 1), ascending: 0.25 is step 7 of 28. Steps before
            the first are dense. Places that fall on one step are one match.
    """

    ratio: float
    matches: tuple[float, ...]
    reuses: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ratio(self.ratio, skips=True)
        in_order = list(self.matches) == sorted(set(self.matches))
        if not self.matches or not in_order or not 0 <= self.matches[0] <= self.matches[-1] < 1:
            raise SpecError(
                f"matches={self.matches!r} must be at least one share of the generation in [0, 1), ascending."
            )

    @classmethod
    def read(cls, path: str | Path, ratio: float) -> Planned:
        """Read the matches from a schedule file.

        Args:
            path: a file that `tokred calibrate` wrote.
            ratio: see `Planned`.

        Raises:
            SpecError: the file is missing or names no matches.
        """
        try:
            matches = json.loads(Path(path).read_bytes())["matches"]
            shares = tuple(map(float, matches))
        except (OSError, ValueError, TypeError, KeyError) as error:
            why = f"{type(error).__name__}: {error}"
            raise SpecError(f"schedule={str(path)!r} cannot be read: {why}. `tokred calibrate` writes one.") from error
        return cls(ratio, shares)

    @property
    def skips(self) -> bool:
        """Whether it ever plans a ratio of 1."""
        return self.ratio == 1

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan a dense, match or reduce step, the same for every site."""
        places = [int(match * steps + 1e-9) for match in self.matches]
        if step < places[0]:
            return DENSE
        return Plan(Phase.MATCH if step in places else Phase.REDUCE, self.ratio)
