"""Several branches in one batch, each of which remembers what the model returned for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from tokred.engine.returned import Returned
from tokred.interfaces import Time


class Together:
    """Stands for the memories of branches that share a batch in equal parts; see `Returned`.

    Args:
        memories: one for each branch, in the order of the batch.
    """

    def __init__(self, memories: Sequence[Returned]) -> None:
        self.memories = memories

    def observe(self, result: Any, time: Time) -> None:
        """Have each branch remember its part of what the model returned."""
        for memory, part in zip(self.memories, self._parts(result), strict=True):
            memory.observe(part, time)

    def recall(self, time: Time) -> Any:
        """Return what the model would, from memory alone, in new tensors."""
        parts = [memory.recall(time) for memory in self.memories]
        if self.memories[0].apart:
            return [sample for part in parts for sample in part]
        leaves, tree = zip(*map(tree_flatten, parts), strict=True)
        return tree_unflatten([_joined(values) for values in zip(*leaves, strict=True)], tree[0])

    def _parts(self, result: Any) -> list[Any]:
        number = len(self.memories)
        if self.memories[0].apart:
            size = len(result) // number
            return [result[place * size : (place + 1) * size] for place in range(number)]
        leaves, tree = tree_flatten(result)
        split = [x.chunk(number) if isinstance(x, torch.Tensor) else (x,) * number for x in leaves]
        return [tree_unflatten([values[place] for values in split], tree) for place in range(number)]


def _joined(values: tuple[Any, ...]) -> Any:
    return torch.cat(values) if isinstance(values[0], torch.Tensor) else values[0]
