"""Rotary positions where queries are of other tokens than keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tokred.arguments import Arguments
from tokred.engine.rows import RowIndex, gathered
from tokred.family.signature import IMAGE, Order
from tokred.family.site import Rotary
from tokred.family.spans import join, lead, split
from tokred.interfaces import Forward


class RotaryFeed:
    """Stands around the last module that queries or keys pass, and rotates what it returns while tables are set.

    Args:
        rotate: see `tokred.family.Rotate`.
        heads_first: whether the module returns `[B, H, L, d]`.

    Attributes:
        used: whether the module has been called since tables were set.
    """

    def __init__(self, rotate: Callable[[torch.Tensor, Any], torch.Tensor], heads_first: bool = False) -> None:
        self.rotate = rotate
        self.heads_first = heads_first
        self.tables: Any = None
        self.used = True

    def set(self, tables: Any, order: Order = (), image: int = 0) -> None:
        """Rotate by `tables` from now on; only the `image` rows of a sequence made up of `order`, where it is given."""
        self.tables, self.order, self.image = tables, order, image
        self.used = tables is None

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the module and rotate."""
        self.used = True
        result: torch.Tensor = forward(*args, **kwargs)
        if self.tables is None:
            return result
        return self._rotated(result.transpose(1, 2)).transpose(1, 2) if self.heads_first else self._rotated(result)

    def _rotated(self, x: torch.Tensor) -> torch.Tensor:
        """Rotate `[B, L, ...]`."""
        if not self.order:
            return self.rotate(x, self.tables)
        before, image, after = split(x, self.order, self.image)
        return join(before, self.rotate(image, self.tables), after)


class RotaryFeeds:
    """Rotates the queries and the keys of one attention in the attention's place.

    Args:
        rotary: where they can be rotated.

    Attributes:
        around: the modules and what stands around each.
        tables: those that were taken off the call that is running, all rows; None where there are none.
    """

    def __init__(self, rotary: Rotary) -> None:
        self.rotary = rotary
        self.tables: Any = None
        modules = (rotary.queries, rotary.keys, *rotary.context)
        around = {module: RotaryFeed(rotary.rotate, rotary.heads_first) for module in modules}
        self.queries, self.keys, *self.context = (around[module] for module in modules)
        self.around, self.feeds = tuple(around.items()), tuple(around.values())

    @property
    def used(self) -> bool:
        """Whether everything that should have been rotated was."""
        return all(feed.used for feed in self.feeds)

    def begin(self, call: Arguments, index: RowIndex, keys_alone: bool) -> None:
        """Take the tables off a call: what is reduced gets the rows of the kept tokens, the other all rows.

        Args:
            call: the attention's or block's arguments.
            index: which rows are left.
            keys_alone: whether keys are reduced and queries are not, rather than the other way round.
        """
        rotary = self.rotary
        tables = call.get(rotary.rows.argument)
        if tables is None:
            return
        call[rotary.rows.argument], self.tables = None, tables
        image, computed = index.reduction.tokens, index.reduction.computed
        kept = self._own(gathered(tables, rotary.rows, index, rotary.rows.argument))
        context, tables = self._of_context(tables, image), self._own(tables)
        self._set(self.queries, *((tables, image) if keys_alone else (kept, computed)))
        self._set(self.keys, *((kept, computed) if keys_alone else (tables, image)))
        for feed in self.context:
            feed.set(context)

    def _own(self, tables: Any) -> Any:
        """Return the tables that have rows of the image's tokens."""
        item = self.rotary.rows.item
        return tables if item is None else tables[item]

    def _of_context(self, tables: Any, image: int) -> Any:
        """Return the tables of the context's tokens: the other of a pair, or the other rows; None if it has none."""
        item = self.rotary.rows.item
        if item is not None:
            return tables[1 - item]
        return None if self._order == (IMAGE,) else self._part(tables, image, context=True)

    def cut_queries(self, index: RowIndex) -> None:
        """Rotate fewer queries than was begun with."""
        kept = self._own(gathered(self.tables, self.rotary.rows, index, self.rotary.rows.argument))
        self._set(self.queries, kept, index.reduction.computed)

    def _set(self, feed: RotaryFeed, tables: Any, image: int) -> None:
        """Have the output of a module rotated by `tables`, in which `image` rows are the image's."""
        order, alone = self._order, (IMAGE,)
        if order == self.rotary.order:
            feed.set(tables)
        elif self.rotary.order == alone:
            feed.set(self._part(tables, image))
        else:  # the tables are those of the image's tokens alone
            feed.set(tables, self.rotary.order, image)

    def _part(self, tables: Any, image: int, context: bool = False) -> Any:
        """Return the rows of tables that are the image's, or the context's."""
        (axis, order), _ = self.rotary.rows.axes[0], None
        if isinstance(tables, (tuple, list)):
            return type(tables)([self._part(table, image, context) for table in tables])
        before = lead(order, tables.shape[axis], image)
        if not context:
            return tables.narrow(axis, before, image)
        rest = tables.shape[axis] - image
        return tables.narrow(axis, 0 if before else image, rest)

    @property
    def _order(self) -> Order:
        """The parts of the sequence that the tables have rows for."""
        return self.rotary.rows.axes[0][1]

    def reset(self) -> None:
        """Rotate nothing."""
        self.tables = None
        for feed in self.feeds:
            feed.tables = None
