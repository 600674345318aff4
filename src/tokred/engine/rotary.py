"""Rotary positions where queries are of fewer tokens than keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tokred.adapter import Rotary
from tokred.engine.arguments import Arguments
from tokred.engine.travel import gather_rows
from tokred.interfaces import Forward
from tokred.reduction import Reduction


class RotaryFeed:
    """Stands around the last module that queries or keys pass, and rotates what it returns while positions are set.

    Attributes:
        positions: a row per token; None leaves the module as it is.
        used: whether the module has been called since positions were set.
    """

    def __init__(self, rotate: Callable[[torch.Tensor, Any], torch.Tensor]) -> None:
        self.rotate = rotate
        self.positions: Any = None
        self.used = True

    def set(self, positions: Any) -> None:
        """Rotate by `positions` from now on, or not at all."""
        self.positions, self.used = positions, positions is None

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the module and rotate."""
        self.used = True
        result: torch.Tensor = forward(*args, **kwargs)
        return result if self.positions is None else self.rotate(result, self.positions)


class RotaryFeeds:
    """Rotates the queries and the keys of one attention in the attention's place.

    Args:
        rotary: where they can be rotated.
    """

    def __init__(self, rotary: Rotary) -> None:
        self.rotary = rotary
        modules = (rotary.queries, rotary.keys, rotary.context_queries, rotary.context_keys)
        self.around: dict[nn.Module, RotaryFeed] = {m: RotaryFeed(rotary.rotate) for m in modules if m is not None}

    @property
    def used(self) -> bool:
        """Whether everything that should have been rotated was."""
        return all(feed.used for feed in self.around.values())

    def begin(self, call: Arguments, reduction: Reduction) -> None:
        """Take the positions off a call: queries get the rows of the kept tokens, keys all rows."""
        rotary = self.rotary
        positions = call.get(rotary.argument)
        if positions is None:
            return
        call[rotary.argument] = None
        kept = gather_rows(positions, 0, reduction)
        if rotary.context_queries is None or rotary.context_keys is None:
            self.around[rotary.queries].set(kept)
            self.around[rotary.keys].set(positions)
            return
        context = len(positions[0]) - reduction.tokens
        self.around[rotary.queries].set(tuple(table[context:] for table in kept))
        self.around[rotary.keys].set(tuple(table[context:] for table in positions))
        for module in (rotary.context_queries, rotary.context_keys):
            self.around[module].set(tuple(table[:context] for table in positions))

    def reset(self) -> None:
        """Rotate nothing."""
        for feed in self.around.values():
            feed.positions = None
