"""First Block Cache: where the first block does what it did, so does the rest of the model."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tokred.baselines.blocks import blocks_of, drops_text
from tokred.baselines.caching import caching
from tokred.baselines.hosting import cacheable, make_config
from tokred.errors import SpecError, UnsupportedModel


@dataclass(frozen=True)
class FirstBlockCache:
    """Skip the other blocks where the first one's residual changed little; diffusers' `FirstBlockCacheConfig`.

    Attributes:
        threshold: relative change of the first block's residual, in the mean over the batch, up to which the rest of
            the model is not computed; at least 0.
    """

    threshold: float = 0.05

    def __post_init__(self) -> None:
        if not self.threshold >= 0:
            raise SpecError(f"threshold={self.threshold} must be at least 0: up to that change, blocks are skipped.")

    def steps(self, steps: int) -> int:
        """Return all of them."""
        return steps

    def applied(self, pipe: Any) -> AbstractContextManager[None]:
        """Cache inside the `with` block; see `Baseline`."""
        return caching(pipe, "first_block_cache", lambda generation: self._config(generation.pipe))

    def _config(self, pipe: Any) -> Any:
        model = cacheable(pipe)
        if any(drops_text(block) for block in blocks_of(model).values()):
            raise UnsupportedModel(
                f"FirstBlockCache asks every block for text tokens, and the last one of {type(model).__name__} returns "
                "none. Use another cache, such as mag_cache."
            )
        return make_config("FirstBlockCacheConfig", threshold=self.threshold)
