"""SeaCache: skip steps while the part of the input that is picture, by its spectrum, changes little."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tokred.baselines.caching import caching
from tokred.baselines.hosting import make_config
from tokred.errors import SpecError, UnsupportedModel
from tokred.parts.checks import check_at_least

TELLING = ("WanPipeline", "Cosmos3OmniPipeline")
"""The pipelines of diffusers that tell a cache their step and how much noise is left, which SeaCache has to know."""


@dataclass(frozen=True)
class SeaCache:
    """Use the blocks' last residual, or the line through two, until the input has changed; diffusers' `SeaCacheConfig`.

    Attributes:
        threshold: relative change of the filtered input, summed over steps, up to which blocks are skipped; at least 0.
        order: 0 takes the last residual, 1 the line through the last two.
        longest: most steps that are skipped in a row, at least 0; 0 sets no limit.
    """

    threshold: float = 0.25
    order: int = 1
    longest: int = 2

    def __post_init__(self) -> None:
        if not self.threshold >= 0:
            raise SpecError(f"threshold={self.threshold} must be at least 0: up to that change, blocks are skipped.")
        if self.order not in (0, 1):
            raise SpecError(f"order={self.order} must be 0, the last residual, or 1, the line through the last two.")
        check_at_least("longest", self.longest, 0, "the most steps skipped in a row")

    def steps(self, steps: int) -> int:
        """Return all of them."""
        return steps

    def applied(self, pipe: Any) -> AbstractContextManager[None]:
        """Cache inside the `with` block; see `Baseline`."""
        if not {kind.__name__ for kind in type(pipe).__mro__} & set(TELLING):
            raise UnsupportedModel(
                f"SeaCache has to be told step and noise, and {type(pipe).__name__} does not tell its caches; those of "
                f"diffusers that do: {', '.join(TELLING)}. Use another cache, such as taylor_seer."
            )
        config = {"threshold": self.threshold, "residual_order": self.order, "max_consecutive_cached": self.longest}
        return caching(pipe, "sea_cache", lambda _generation: make_config("SeaCacheConfig", **config))
