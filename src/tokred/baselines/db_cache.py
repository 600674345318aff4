"""DBCache: where the first blocks do what they did, those after them are not computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import nn

from tokred.baselines.blocks import drops_text
from tokred.baselines.cache_dit_hosting import DitSettings, dit_enabled
from tokred.baselines.caching import Generation, model_and_generation, renewed
from tokred.errors import SpecError, UnsupportedModel
from tokred.extras import extra
from tokred.parts.checks import check_at_least

Calibrator = Literal["taylor", "dmd", "foca"]
MASKS = ("slow", "medium", "fast", "ultra")
"""The masks that cache-dit has made, by how much they leave out; for 28 steps, and stretched or cut for others."""


@dataclass(frozen=True)
class DBCache:
    """Skip the blocks after the first ones where what these add changed little; cache-dit's `DBCacheConfig`.

    Guidance branches that are called apart are remembered apart, up to two.

    Attributes:
        threshold: relative change of what the first blocks add to the tokens, in the mean over the batch, below which
            the others are skipped; at least 0. At 0 none is ever skipped, and from 1 on whenever it may be.
        first: blocks at the start that are computed at every step, at least 1; cache-dit's default is 8.
        last: blocks at the end that are computed at every step, at least 0.
        dense_first: computed steps at the start, at least 1.
        longest: most steps that are skipped in a row, at least 0; 0 sets no limit.
        total: most steps that are skipped in all, at least 0; 0 sets no limit.
        order: of the Taylor series that forecasts what the skipped blocks add; 0 uses what they added last.
        calibrator: what forecasts it in place of a Taylor series: "dmd", a dynamic mode decomposition, or "foca", a
            linear multistep rule; each with the defaults of cache-dit.
        mask: at which steps blocks may be skipped at all: a 1 for each computed step and a 0 for the others, such as
            "1101001", or one of `MASKS`. "" stands for all after the first `dense_first`, which any mask leaves alone.
    """

    threshold: float = 0.08
    first: int = 1
    last: int = 0
    dense_first: int = 4
    longest: int = 0
    total: int = 0
    order: int = 0
    calibrator: Calibrator = "taylor"
    mask: str = ""

    def __post_init__(self) -> None:
        if not self.threshold >= 0:
            raise SpecError(f"threshold={self.threshold} must be at least 0: below that change, blocks are skipped.")
        check_at_least("first", self.first, 1, "the blocks computed at every step, at the start")
        check_at_least("last", self.last, 0, "the blocks computed at every step, at the end")
        check_at_least("dense_first", self.dense_first, 1, "the steps computed at the start")
        check_at_least("longest", self.longest, 0, "the most steps skipped in a row")
        check_at_least("total", self.total, 0, "the most steps skipped in all")
        check_at_least("order", self.order, 0, "the order of the forecast")
        if self.calibrator not in get_args(Calibrator):
            raise SpecError(f"calibrator={self.calibrator!r} must be one of: {', '.join(get_args(Calibrator))}.")
        if self.order and self.calibrator != "taylor":
            raise SpecError(f"order={self.order} is of a Taylor series, and calibrator={self.calibrator!r} has none.")
        if self.mask not in MASKS and set(self.mask) - {"0", "1"}:
            raise SpecError(f"mask={self.mask!r} must be a 0 or 1 for each step, or one of: {', '.join(MASKS)}.")

    def steps(self, steps: int) -> int:
        """Return all of them."""
        return steps

    @contextmanager
    def applied(self, pipe: Any) -> Iterator[None]:
        """Cache inside the `with` block; see `Baseline`.

        Raises:
            MissingPackage: if cache-dit is not installed.
            SpecError: in a generation, if the mask is of another number of steps.
        """
        model, generation = model_and_generation(pipe, "db_cache")
        with extra("cache-dit"):
            import cache_dit  # noqa: F401

        def enable() -> Any:
            return dit_enabled(model, generation, lambda blocks: self._settings(blocks, generation))

        with renewed(model, generation, "db_cache", enable, memories=2):
            yield

    def _settings(self, lists: list[nn.ModuleList], generation: Generation) -> DitSettings:
        least = min(map(len, lists))
        if self.first + self.last >= least:
            raise UnsupportedModel(
                f"first={self.first} and last={self.last} leave none of {least} blocks to skip. Compute fewer at every "
                "step."
            )
        return DitSettings(
            {
                "Fn_compute_blocks": self.first,
                "Bn_compute_blocks": self.last,
                "residual_diff_threshold": self.threshold,
                "max_warmup_steps": self.dense_first,
                "max_continuous_cached_steps": self.longest or -1,
                "max_cached_steps": self.total or -1,
                "steps_computation_mask": self._mask(generation),
            },
            self._calibrator(text=self.last > 0 or not any(drops_text(blocks[-1]) for blocks in lists)),
        )

    def _mask(self, generation: Generation) -> list[int] | None:
        """Return a 1 for each step that is computed; None where nothing says so, or the steps are not known yet."""
        import cache_dit

        if not self.mask or not generation.begun:
            return None
        steps = generation.steps
        mask: list[int]
        if self.mask in MASKS:
            mask = cache_dit.steps_mask(total_steps=steps, mask_policy=self.mask)
        elif len(self.mask) == steps:
            mask = [int(computed) for computed in self.mask]
        else:
            raise SpecError(f"mask={self.mask!r} is of {len(self.mask)} steps, and the generation takes {steps}.")
        return [1] * min(self.dense_first, steps) + mask[self.dense_first : steps]

    def _calibrator(self, text: bool) -> Any:
        """Return the configuration of a calibrator; `text` says whether the skipped blocks return text tokens."""
        import cache_dit

        if self.calibrator == "dmd":
            return cache_dit.DMDCalibratorConfig(enable_encoder_calibrator=text)
        if self.calibrator == "foca":
            return cache_dit.FoCaCalibratorConfig(enable_encoder_calibrator=text)
        if self.order:
            return cache_dit.TaylorSeerCalibratorConfig(enable_encoder_calibrator=text, taylorseer_order=self.order)
        return None
