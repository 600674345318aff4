"""Rotary tables of the kept tokens, gathered once for a match rather than in each call that it serves."""

from __future__ import annotations

from typing import Any

import torch

from tokred.arguments import Arguments
from tokred.engine.rows import RowIndex, gathered, tensors_in
from tokred.engine.state import MatchState
from tokred.family.signature import Rows
from tokred.family.site import SiteSpec
from tokred.family.spans import lead
from tokred.reduction import Reduction

MOST_BYTES = 4 * 2**20
"""What is kept for one match, at most: with more tokens, gathering takes no time beside all else, and memory counts."""


def keep_tables(spec: SiteSpec, call: Arguments, match: MatchState, prefix: int) -> None:
    """Gather what is the same in all calls of a generation, at the end of the call that made a match.

    In compiled code it is no operation of its own, and is left to the calls.

    Args:
        spec: the site that made it.
        call: the site's arguments, of all tokens.
        match: what it made; the tables are added to it.
        prefix: tokens of the part "prefix".
    """
    reduction = match.reduction
    if reduction is None or torch.compiler.is_compiling():
        return
    for rows in spec.travel.rows:
        tables = call.get(rows.argument) if rows.argument in spec.travel.lasting else None
        size = sum(table.nbytes for table in tensors_in(tables))
        if tables is not None and size * reduction.computed <= MOST_BYTES * reduction.tokens:
            match.gathered.tables[rows] = _of_kept(tables, rows, reduction, prefix, spec.name)


def _of_kept(tables: Any, rows: Rows, reduction: Reduction, prefix: int, where: str) -> Any:
    """Return the tables' rows of the kept tokens; of a pair alike, such as cosines and sines, both at once."""
    (axis, order), *others = rows.axes
    if others or rows.item is not None or len(reduction.kept) > 1 or not _are_alike(tables, rows, reduction.tokens):
        return gathered(tables, rows, RowIndex(reduction, {}, prefix), where)
    fused, image = torch.cat(tables, dim=-1), reduction.tokens
    length = fused.shape[axis]
    before = lead(order, length, image, prefix)
    first, all_rows, last = torch.split(fused, [before, image, length - before - image], dim=axis)
    parts = [part for part in (first, all_rows.index_select(axis, reduction.kept[0]), last) if part.shape[axis]]
    kept = torch.cat(parts, dim=axis) if len(parts) > 1 else parts[0]
    return torch.split(kept, tables[0].shape[-1], dim=-1)


def _are_alike(tables: Any, rows: Rows, image: int) -> bool:
    """Say whether tables are tensors of one shape, each with a row for every token and more than that."""
    if type(tables) is not tuple or not all(isinstance(table, torch.Tensor) for table in tables):
        return False
    shape, axis = tables[0].shape, rows.axes[0][0]
    alike = all((table.shape, table.dtype) == (shape, tables[0].dtype) for table in tables)
    return alike and rows.has(len(shape)) and shape[axis] >= image > 1 and axis % len(shape) < len(shape) - 1
