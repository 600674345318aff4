"""What a model returned, remembered whatever it is made of."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from tokred.engine.memory import new_memory, remembered_dtype
from tokred.engine.model_rows import as_rows, from_rows, pixels_of
from tokred.interfaces import Memory, Recovery, Remembered, Time
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
        axes: of that tensor; see `as_rows`. Without "b" there is a tensor for each sample, and they are stacked.
    """

    def __init__(self, recovery: Recovery, precision: Remembered, grid: Grid | None, axes: str = "") -> None:
        self.recovery = recovery
        self.precision = precision
        self.apart = grid is not None and axes != "" and "b" not in axes.split()
        self.grid, self.axes = grid, f"b {axes}" if self.apart else axes
        self.tree: TreeSpec | None = None
        self.values: list[Any] = []
        self.looks: list[Look] = []
        self.memories: list[Memory] = []
        self.pixels = 1

    @torch.no_grad()
    def observe(self, result: Any, time: Time) -> None:
        """Remember what the model returned; anew, where it looks otherwise than the last."""
        values, self.tree = self._flatten(result)
        looks = [_look(value) for value in values]
        rows = [None if look is None else self._rows(v) for v, look in zip(values, looks, strict=True)]
        if looks != self.looks:
            self.looks, self.memories = looks, [self._memory(x) for x in rows]
            self.pixels = 1 if looks[0] is None else pixels_of(looks[0][0], self.grid, self.axes)
        self.values = [value if look is None else None for value, look in zip(values, looks, strict=True)]
        for x, memory in zip(rows, self.memories, strict=True):
            if x is not None:
                self.recovery.observe(x, memory, time, None)

    def picture(self, result: Any) -> torch.Tensor:
        """Return the first of the tensors that the model returned as `[B, M, C]`."""
        return self._rows(self._flatten(result)[0][0])

    def recall(self, time: Time) -> Any:
        """Return what the model would, from memory alone, in new tensors."""
        values = [
            value if look is None else self._recalled(look, memory, time)
            for value, look, memory in zip(self.values, self.looks, self.memories, strict=True)
        ]
        assert self.tree is not None, "the planner skips no call before one was computed"
        return self._unflatten(values, self.tree)

    def recover(self, result: Any, reduction: Reduction, time: Time) -> Any:
        """Return what the model returned, with the rows of removed tokens made by the recovery."""
        values, tree = self._flatten(result)
        kept = reduction.merge(self._rows(values[0]))
        full = self.recovery.recover(kept, reduction, self.memories[0], time)
        return self._unflatten([from_rows(full, values[0].shape, self.grid, self.axes), *values[1:]], tree)

    def _flatten(self, result: Any) -> tuple[list[Any], TreeSpec]:
        values, tree = tree_flatten(result)
        return ([torch.stack(values)] if self.apart else values), tree

    def _unflatten(self, values: list[Any], tree: TreeSpec) -> Any:
        return tree_unflatten(values[0].unbind() if self.apart else values, tree)

    def _rows(self, x: torch.Tensor) -> torch.Tensor:
        return as_rows(x, self.grid, self.axes)

    def _recalled(self, look: tuple[torch.Size, torch.dtype], memory: Memory, time: Time) -> torch.Tensor:
        shape, dtype = look
        return from_rows(self.recovery.recall(memory, time).to(dtype, copy=True), shape, self.grid, self.axes)

    def _memory(self, rows: torch.Tensor | None) -> Memory:
        if rows is None:
            return {}
        shape = (rows.shape[0], rows.shape[1], rows.shape[2])
        return new_memory(self.recovery.state_spec(shape), remembered_dtype(self.precision, rows.dtype), rows.device)


def _look(value: Any) -> Look:
    return (value.shape, value.dtype) if isinstance(value, torch.Tensor) and value.is_floating_point() else None
