"""Pyramid Attention Broadcast: attention outputs are used again at later steps."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tokred.baselines.caching import Generation, caching
from tokred.baselines.hosting import make_config
from tokred.parts.checks import check_at_least


@dataclass(frozen=True)
class PyramidAttentionBroadcast:
    """Compute attention at one step in `interval`; diffusers' `PyramidAttentionBroadcastConfig`.

    Attributes:
        interval: steps from one computed attention to the next, at least 2; of self-attention and cross-attention.
        below: attention is used again only at timesteps below this; samplers go from about 1000 down to 0.
        above: attention is used again only at timesteps above this.
    """

    interval: int = 2
    below: float = 800.0
    above: float = 100.0

    def __post_init__(self) -> None:
        check_at_least("interval", self.interval, 2, "the steps from one computed step to the next")

    def steps(self, steps: int) -> int:
        """Return all of them."""
        return steps

    def applied(self, pipe: Any) -> AbstractContextManager[None]:
        """Cache inside the `with` block; see `Baseline`."""
        return caching(pipe, "pyramid_attention_broadcast", self._config, branches=False)

    def _config(self, generation: Generation) -> Any:
        return make_config(
            "PyramidAttentionBroadcastConfig",
            spatial_attention_block_skip_range=self.interval,
            cross_attention_block_skip_range=self.interval,
            spatial_attention_timestep_skip_range=(self.above, self.below),
            cross_attention_timestep_skip_range=(self.above, self.below),
            current_timestep_callback=generation.timestep,
        )
