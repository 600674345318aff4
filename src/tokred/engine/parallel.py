"""Models that diffusers' context parallelism has spread over devices."""

from __future__ import annotations

from torch import nn

from tokred.errors import UnsupportedModel
from tokred.method import Method


def refuse_parallel(model: nn.Module, method: Method) -> None:
    """Refuse to choose among tokens of which each device has a part."""
    spread = getattr(getattr(model, "_parallel_config", None), "context_parallel_config", None)
    if spread is not None and not method.skips_model_only:
        raise UnsupportedModel(
            f"This {type(model).__name__} has a part of its tokens on each device (context parallelism), and "
            f"{method.name} chooses among all of them. Use a method that skips whole steps, such as 'balanced'."
        )
