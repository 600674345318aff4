"""What a model returned, remembered whatever it is made of."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from tokred.engine.memory import new_memory, remembered_dtype
from tokred.engine.model_rows import as_rows, from_rows
from tokred.interfaces import Memory, Recovery, Remembered
from tokred.layout import Grid
from tokred.reduction import Reduction

Look = tuple[torch.Size, torch.dtype] | None
"""Shape and type of a tensor that can be carried on; None of anything else, which is returned as it was."""


class Returned:
    """Remembers the tensors of tuples, lists and output classes, each in the axes that it has.

    Args:
        recovery: what remembers.
        precision: what it remembers in.
        grid: of the tokens, where something reads a row per token of the first tensor; see `as_rows`.
        axes: of that tensor; see `as_rows`.
    """

    def __init__(self, recovery: Recovery, precision: Remembered, grid: Grid | None, axes: str = "") -> None:
        self.recovery = recovery
        self.precision = precision
        self.grid, self.axes = grid, axes
        self.tree: TreeSpec | None = None
        self.values: list[Any] = []
        self.looks: list[Look] = []
        self.memories: list[Memory] = []

    @torch.no_grad()
    def observe(self, result: Any, time: torch.Tensor) -> None:
        """Remember what the model returned; anew, where it looks otherwise than the last."""
        values, self.tree = tree_flatten(result)
        looks = [_look(value) for value in values]
        rows = [None if look is None else self.rows(v) for v, look in zip(values, looks, strict=True)]
        if looks != self.looks:
            self.looks, self.memories = looks, [self._memory(x) for x in rows]
        self.values = [value if look is None else None for value, look in zip(values, looks, strict=True)]
        for x, memory in zip(rows, self.memories, strict=True):
            if x is not None:
                self.recovery.observe(x, memory, time, None)

    def rows(self, x: torch.Tensor) -> torch.Tensor:
        """Return a tensor that the model returned as `[B, M, C]`; see `as_rows`."""
        return as_rows(x, self.grid, self.axes)

    def recall(self, time: torch.Tensor) -> Any:
        """Return what the model would, from memory alone, in new tensors."""
        values = [
            value if look is None else self._recalled(look, memory, time)
            for value, look, memory in zip(self.values, self.looks, self.memories, strict=True)
        ]
        assert self.tree is not None, "the planner skips no call before one was computed"
        return tree_unflatten(values, self.tree)

    def recover(self, result: Any, reduction: Reduction, time: torch.Tensor) -> Any:
        """Return what the model returned, with the rows of removed tokens made by the recovery."""
        values, tree = tree_flatten(result)
        kept = reduction.merge(self.rows(values[0]))
        full = self.recovery.recover(kept, reduction, self.memories[0], time)
        return tree_unflatten([from_rows(full, values[0].shape, self.grid, self.axes), *values[1:]], tree)

    def _recalled(self, look: tuple[torch.Size, torch.dtype], memory: Memory, time: torch.Tensor) -> torch.Tensor:
        shape, dtype = look
        return from_rows(self.recovery.recall(memory, time).to(dtype, copy=True), shape, self.grid, self.axes)

    def _memory(self, rows: torch.Tensor | None) -> Memory:
        if rows is None:
            return {}
        shape = (rows.shape[0], rows.shape[1], rows.shape[2])
        return new_memory(self.recovery.state_spec(shape), remembered_dtype(self.precision, rows.dtype), rows.device)


def _look(value: Any) -> Look:
    return (value.shape, value.dtype) if isinstance(value, torch.Tensor) and value.is_floating_point() else None
