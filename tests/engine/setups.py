"""Ways to apply tokred that together take every way through the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from families.models import FAMILIES, Family
from torch import nn

import tokred


@dataclass(frozen=True)
class Setup:
    """A method and its parameters."""

    method: str
    params: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        values = ["+".join(v) if isinstance(v, tuple) else str(v) for v in self.params.values()]
        return "-".join([self.method, *values])

    def apply(self, target: Any) -> tokred.Run:
        """Apply the method to `target`."""
        return tokred.apply(target, self.method, **self.params)

    def suits(self, family: Family) -> bool:
        """Say whether `family` can do this."""
        if self.method == "asymrnr" and family.name == "flux":
            return False  # rotary keys cannot be reduced apart
        return (family.repeats or self.method in ("tomesd", "random")) and self.params.get(
            "keys", "kept"
        ) in family.keys


TOMESD, DITO = Setup("tomesd"), Setup("dito")
DELTA = Setup("delta", {"dense_first": 1, "gain": "fitted", "keys": "recovered"})
SHARING = Setup("dito", {"share": 2, "penalty": 0.1})
STEP_CACHE = Setup("step_cache", {"order": 1})
HALF = Setup("delta", {"dense_first": 1, "gain": "fitted", "keys": "recovered", "memory": "half"})
SKIPPED_SITES = Setup("delta", {"program": "M .5 (1 M .5)*", "signal": "input", "sites": ("attn", "mlp")})
SETUPS = (
    TOMESD,
    Setup("random", {"sites": ("block",)}),
    DITO,
    Setup("dito", {"keys": "full"}),
    Setup("dito", {"keys": "recovered"}),
    Setup("dito", {"sites": ("block",)}),
    Setup("dito", {"signal": "key", "keys": "full"}),
    Setup("dito", {"oracle": True}),
    SHARING,
    Setup("asymrnr"),
    DELTA,
    STEP_CACHE,
    HALF,
    SKIPPED_SITES,
)
SUITED = [(family, setup) for family in FAMILIES for setup in SETUPS if setup.suits(family)]
UNLIKE = ("dit", "sd3", "flux", "vit")
"""Of image tokens alone, beside text, joined with text, and behind a class token."""
EVERY_WAY = [
    (family, setup, dtype)
    for family, setup in SUITED
    for dtype in (torch.float32, torch.bfloat16)
    if setup in (TOMESD, DITO, DELTA) or (family.name in UNLIKE and (dtype is torch.float32 or family.name == "dit"))
]
"""Every setup on each kind of family; the simplest, and what recovers keys, on all and in both types."""
SIMPLEST = [(family, DITO if family.repeats else TOMESD) for family in FAMILIES]
RECOVERED = [(family, setup) for family, setup in SUITED if setup.params.get("keys") == "recovered"]
SHARED = [(family, setup) for family, setup in SUITED if setup is SHARING]


def fresh_generation(family: Family, model: nn.Module, setup: Setup, **kwargs: Any) -> Any:
    """Apply, generate once, remove."""
    with setup.apply(model):
        return family.generate(model, **kwargs)
