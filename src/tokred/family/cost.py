"""What a site's call costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Cost:
    """Floating point operations of one call of a site for one sample; a multiply-add counts 2.

    Attributes:
        query: per token that is computed.
        key: per token whose key and value are projected.
        pair: per pair of a computed token and one that it attends to.
    """

    query: float
    key: float = 0.0
    pair: float = 0.0

    def flops(self, queries: int, projected: int, attended: int) -> float:
        """Return the operations for so many computed tokens, projected keys and attended keys."""
        return self.query * queries + self.key * projected + self.pair * queries * attended

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.query + other.query, self.key + other.key, self.pair + other.pair)


def linear_flops(*modules: Any) -> float:
    """Return the operations per token of all linear layers inside `modules`."""
    layers = [layer for module in modules for layer in module.modules() if _is_linear(layer)]
    return float(sum(2 * layer.in_features * layer.out_features for layer in layers))


def _is_linear(layer: nn.Module) -> bool:
    """Say whether a module is a linear layer, or a quantised one; not what a LoRA wraps around one."""
    quantised = type(layer).__module__.startswith("torch.ao.nn.quantized") and hasattr(layer, "in_features")
    return isinstance(layer, nn.Linear) or quantised
