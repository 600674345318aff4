"""The blocks of a diffusers transformer, as its caches find them."""

from __future__ import annotations

from torch import nn


def blocks_of(model: nn.Module) -> dict[str, nn.Module]:
    """Return the transformer blocks by name, in the order in which they are called."""
    lists = [(name, child) for name, child in model.named_children() if isinstance(child, nn.ModuleList)]
    return {f"{name}.{index}": block for name, child in lists for index, block in enumerate(child)}


def drops_text(block: nn.Module) -> bool:
    """Say whether a joint block returns image tokens alone, as the last one of SD3 does."""
    return bool(getattr(block, "context_pre_only", False))
