"""TaylorSeer: outputs are forecast from those that were computed."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import nn

from tokred.baselines.blocks import blocks_of, drops_text
from tokred.baselines.caching import caching
from tokred.baselines.hosting import cacheable, make_config
from tokred.errors import SpecError, UnsupportedModel
from tokred.parts.checks import check_at_least

Forecast = Literal["model", "attn"]


@dataclass(frozen=True)
class TaylorSeer:
    """Compute one step in `interval` and forecast the others; diffusers' `TaylorSeerCacheConfig`.

    Forecasts are kept in float32, where diffusers' default is bfloat16.

    Attributes:
        interval: steps from one computed step to the next, at least 2.
        dense_first: computed steps at the start, at least 1.
        order: of the Taylor series, at least 0.
        forecast: what is forecast: the output of the whole "model", so that no block is computed at the other steps
            (diffusers' lite mode); or that of every "attn", which is all that diffusers forecasts by default.
    """

    interval: int = 3
    dense_first: int = 4
    order: int = 1
    forecast: Forecast = "model"

    def __post_init__(self) -> None:
        check_at_least("interval", self.interval, 2, "the steps from one computed step to the next")
        check_at_least("dense_first", self.dense_first, 1, "the steps computed at the start")
        check_at_least("order", self.order, 0, "the order of the forecast")
        if self.forecast not in get_args(Forecast):
            raise SpecError(f"forecast={self.forecast!r} must be one of: {', '.join(get_args(Forecast))}.")

    def steps(self, steps: int) -> int:
        """Return all of them."""
        return steps

    def applied(self, pipe: Any) -> AbstractContextManager[None]:
        """Cache inside the `with` block; see `Baseline`."""
        return caching(pipe, "taylor_seer", lambda generation: self._config(cacheable(generation.pipe)))

    def _config(self, model: nn.Module) -> Any:
        attentions = [r".*blocks\.\d+\.attn\d?"]
        named = (
            {"cache_identifiers": attentions}
            if self.forecast == "attn"
            else {"cache_identifiers": [_last(model)], "skip_predict_identifiers": _skipped(model)}
        )
        return make_config(
            "TaylorSeerCacheConfig",
            cache_interval=self.interval,
            disable_cache_before_step=self.dense_first,
            max_order=self.order,
            taylor_factors_dtype=torch.float32,
            **named,
        )


def _last(model: nn.Module) -> str:
    """Return the name of the module that makes the model's output; it is the last projection there is."""
    projections = [name for name, _ in model.named_children() if name.startswith("proj_out")]
    if not projections:
        raise UnsupportedModel(
            f"TaylorSeer forecasts what a module called proj_out returns, and {type(model).__name__} has none. Use "
            "forecast='attn'."
        )
    return re.escape(projections[-1])


def _skipped(model: nn.Module) -> list[str]:
    """Return the names of what need not be computed for the output: blocks, or the parts of one that returns None."""
    skipped: list[str] = []
    for name, block in blocks_of(model).items():
        parts = [part for part, _ in block.named_children() if part.startswith(("attn", "ff"))]
        skipped += [f"{name}.{part}" for part in parts] if drops_text(block) else [name]
    return [re.escape(name) for name in skipped]
