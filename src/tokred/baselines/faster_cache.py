"""FasterCache: attention is extrapolated, and the guidance branch without prompt is made from the other one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tokred.baselines.caching import Generation, caching
from tokred.baselines.hosting import make_config
from tokred.parts.checks import check_at_least

BRANCHES = ("hidden_states", "encoder_hidden_states", "timestep", "pooled_projections")
"""Arguments of a model that hold both guidance branches, the one without prompt first."""


@dataclass(frozen=True)
class FasterCache:
    """Compute attention at one step in `interval`, and both branches at one in five; diffusers' `FasterCacheConfig`.

    The branch without prompt is left out only where a pipeline computes both in one batch and says so by
    `do_classifier_free_guidance`, as SD3's does; its attention is then extrapolated at those steps only.

    Attributes:
        interval: steps from one computed attention to the next, at least 2.
        guidance_interval: steps from one computation of both branches to the next, at least 2.
        below: something is left out only at timesteps below this, which must leave out the first step; samplers go
            from about 1000 down to 0.
        weight: how far attention is extrapolated: 0 uses the last one again, 1 goes on by its last change.
    """

    interval: int = 2
    guidance_interval: int = 5
    below: float = 681.0
    weight: float = 0.5

    def __post_init__(self) -> None:
        check_at_least("interval", self.interval, 2, "the steps from one computed step to the next")
        check_at_least("guidance_interval", self.guidance_interval, 2, "the steps from one unprompted call to the next")

    def steps(self, steps: int) -> int:
        """Return all of them."""
        return steps

    def applied(self, pipe: Any) -> AbstractContextManager[None]:
        """Cache inside the `with` block; see `Baseline`."""
        return caching(pipe, "faster_cache", self._config, branches=False)

    def _config(self, generation: Generation) -> Any:
        guided = getattr(generation.pipe, "do_classifier_free_guidance", False) if generation.begun else False
        return make_config(
            "FasterCacheConfig",
            spatial_attention_block_skip_range=self.interval,
            spatial_attention_timestep_skip_range=(-1, self.below),
            unconditional_batch_skip_range=self.guidance_interval,
            unconditional_batch_timestep_skip_range=(-1, self.below),
            attention_weight_callback=lambda module: self.weight,
            tensor_format="BCHW",
            is_guidance_distilled=not guided,
            current_timestep_callback=generation.timestep,
            _unconditional_conditional_input_kwargs_identifiers=list(BRANCHES),
        )
