"""What one site computed in one call, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from tokred.adapter import Cost, Keys
from tokred.engine.steps import Position
from tokred.interfaces import Phase, SiteKind
from tokred.layout import Layout


@dataclass(frozen=True)
class SiteRecord:
    """A site, as reports have it: nothing in it holds on to the model.

    Attributes:
        name: dotted name of its module in the model.
        kind: what it computes.
        depth: index of its transformer block.
        cost: operations of one call.
        per_sample: whether each sample of a batch can keep other tokens.
    """

    name: str
    kind: SiteKind
    depth: int
    cost: Cost
    per_sample: bool


@dataclass(frozen=True)
class SiteCall:
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
    unasked: int = 0

    @property
    def dense_flops(self) -> float:
        """Operations of the call if every token is computed."""
        return self.batch * self.site.cost.flops(self._tokens, self._tokens, self._tokens)

    @property
    def flops(self) -> float:
        """Operations as they were, without matching: none of a skipped site, and of an oracle those of both calls."""
        if self.removed == self.layout.image:
            return 0.0
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
