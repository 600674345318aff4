"""What one site computed in one call, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

from tokred.engine.steps import Position
from tokred.family.cost import Cost
from tokred.family.site import SiteSpec
from tokred.interfaces import Phase, SiteKind
from tokred.layout import Layout
from tokred.method import Keys


@dataclass(frozen=True)
class SiteRecord:
    """A site, as reports have it: nothing in it holds on to the model.

    Attributes:
        name: dotted name of its module in the model.
        kind: what it computes.
        depth: index of its transformer block.
        cost: operations of one call; None where they are not known.
        per_sample: whether each sample of a batch can keep other tokens.
    """

    name: str
    kind: SiteKind
    depth: int
    cost: Cost | None
    per_sample: bool

    @classmethod
    def of(cls, spec: SiteSpec) -> Self:
        """Return the record of a site."""
        return cls(spec.name, spec.kind, spec.depth, spec.cost, spec.per_sample)


class SiteCall(NamedTuple):
    """One call of one site.

    Attributes:
        position: step and branch.
        site: where.
        layout: how the call's tokens were made up.
        phase: what was done.
        batch: number of samples, B.
        removed: image tokens that were not computed, because they were removed here or for good before; all of them
            where the site was not called.
        keys: what attention attended to: "kept", "weighted", "full" or "recovered".
        context: number of tokens that are computed with the image's.
        skipped: whether the site was not called.
        unasked: of a "kv" site, image tokens that have no query, where queries are reduced beside it.
    """

    position: Position
    site: SiteRecord
    layout: Layout
    phase: Phase
    batch: int
    removed: int
    keys: Keys
    context: int = 0
    skipped: bool = False
    unasked: int = 0

    @property
    def reduced(self) -> bool:
        """Whether anything was left out."""
        return self.skipped or self.removed > 0

    @property
    def what(self) -> str:
        """What was done, in words."""
        tokens, done = self.layout.image, self.phase.value
        if not tokens:
            return "skipped" if self.skipped else done
        return f"{done}, {tokens - self.removed} of {tokens} tokens"

    @property
    def dense_flops(self) -> float:
        """Operations of the call if every token is computed; 1 for each sample, where the model's are not known."""
        if self.site.cost is None:
            return float(self.batch)
        return self.batch * self.site.cost.flops(self._tokens, self._tokens, self._tokens)

    @property
    def flops(self) -> float:
        """Operations as they were, without matching: none of a skipped site, and of an oracle those of both calls."""
        if self.skipped:
            return 0.0
        if self.site.cost is None:
            return self.dense_flops
        kept = self._tokens - self.removed
        if self.site.kind == "kv":
            return self.batch * self.site.cost.flops(self._tokens - self.unasked, kept, kept)
        projected = self._tokens if self.keys == "full" else kept
        attended = kept if self.keys in ("kept", "weighted") else self._tokens
        first = self.dense_flops if self.phase is Phase.ORACLE else 0.0
        return first + self.batch * self.site.cost.flops(kept, projected, attended)

    @property
    def _tokens(self) -> int:
        return self.layout.image + self.context
