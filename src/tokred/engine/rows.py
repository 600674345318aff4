"""What travels with the tokens: rotary tables, masks, modulation of each token by itself."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

from tokred.arguments import Arguments
from tokred.engine.ruler import CallRuler
from tokred.errors import UnsupportedModel
from tokred.family.signature import Order, Rows
from tokred.family.site import MadeRows, SiteSpec
from tokred.family.spans import lead
from tokred.interfaces import Forward
from tokred.reduction import Reduction


class RowIndex:
    """Which rows of an argument are left where an image's tokens are kept, worked out once for a match.

    Args:
        reduction: which tokens are kept.
        known: what was worked out before for the same match; it is added to.
        prefix: tokens of the part "prefix", where context stands on both sides of the image.
        tables: what was gathered when the match was made, see `keep_tables`.
        taken: the rows of tensors that other sites were given in this call, with the tensor, by its identity; it is
            added to. None where no other site keeps the same tokens.
    """

    def __init__(
        self,
        reduction: Reduction,
        known: dict[tuple[int, int], torch.Tensor],
        prefix: int = 0,
        tables: Mapping[Rows, Any] = MappingProxyType({}),
        taken: dict[tuple[int, Rows], tuple[torch.Tensor, torch.Tensor]] | None = None,
    ) -> None:
        self.reduction = reduction
        self.known = known
        self.prefix = prefix
        self.tables = tables
        self.taken = None if torch.compiler.is_compiling() else taken

    def __call__(self, order: Order, length: int) -> torch.Tensor:
        """Return the positions `[B or 1, M]` in a sequence of `length`, made up of `order`: all context is kept."""
        image, kept = self.reduction.tokens, self.reduction.kept
        before = lead(order, length, image, self.prefix)
        if length == image:
            return kept
        if torch.compiler.is_compiling():  # what is found by its sizes would be a graph for each of them
            return self._places(before, length)
        if (before, length) not in self.known:
            self.known[before, length] = self._places(before, length)
        return self.known[before, length]

    def _places(self, before: int, length: int) -> torch.Tensor:
        """Return the positions in a sequence of `length` with `before` tokens before the image's."""
        kept = self.reduction.kept
        places = torch.arange(length, device=kept.device).expand(len(kept), -1)
        after = places[:, before + self.reduction.tokens :]
        return torch.cat([places[:, :before], kept + before, after], dim=1)


def replace_tokens(call: Arguments, tokens: torch.Tensor, others: torch.Tensor) -> None:
    """Call a module with `others` for `tokens`, under whatever names: some take their own tokens as keys once more."""
    for name in [name for name, value in call.items() if value is tokens]:
        call[name] = others


def with_own_tokens(spec: SiteSpec, call: Arguments) -> Arguments:
    """Return the call with copies of the tokens and the context, for a module that writes into what it is given."""
    own = copy.copy(call)
    own.args, own.kwargs = list(call.args), dict(call.kwargs)
    for name in filter(None, (spec.call.tokens, spec.call.beside)):
        own[name] = call[name].clone()
    return own


class RowFeed:
    """Stands around a method that makes what has a row per token, and lets through the rows of the kept tokens.

    Attributes:
        index: which rows are left; None lets all through.
    """

    def __init__(self, made: MadeRows, where: str) -> None:
        self.rows, self.where = made.rows, where
        self.index: RowIndex | None = None

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the rows and gather them."""
        made = forward(*args, **kwargs)
        return made if self.index is None else gathered(made, self.rows, self.index, self.where)


def gather_rows(spec: SiteSpec, call: Arguments, index: RowIndex, apart: bool = False) -> None:
    """Replace each argument of `call` that has a row per token by its rows of the kept tokens.

    Args:
        spec: the site.
        call: the site's arguments, of all tokens.
        index: which rows are left.
        apart: whether queries and keys are not the same tokens: a site of kind "kv" then has only rows of keys
            gathered, and another only the others.

    Raises:
        UnsupportedModel: if an argument is not as the family's description says.
    """
    for rows in spec.travel.rows:
        value = call.get(rows.argument)
        if value is not None and (not apart or rows.keys == (spec.kind == "kv")):
            call[rows.argument] = gathered(value, rows, index, spec.name)


def gathered(value: Any, rows: Rows, index: RowIndex, where: str) -> Any:
    """Gather an argument's rows: of a tensor, of all in a tuple or dict, or of one item of a tuple."""
    if rows in index.tables:
        return index.tables[rows]
    if rows.item is not None and isinstance(value, (tuple, list)):
        return type(value)([_all(v, rows, index, where) if i == rows.item else v for i, v in enumerate(value)])
    return _all(value, rows, index, where)


def check_arguments(spec: SiteSpec, call: Arguments, ruler: CallRuler, apart: bool) -> None:
    """Refuse an argument that cannot be reduced.

    Args:
        spec: the site.
        call: the site's arguments.
        ruler: how many tokens and samples there are; a first axis as long as the batch is the samples'.
        apart: whether queries and keys are not the same tokens.

    Raises:
        UnsupportedModel: naming a tensor argument that might have a row per token and that the family does not
            describe, or one that travels with queries and keys while these are not the same tokens.
    """
    tokens = call[spec.call.tokens]
    lengths = ruler.image, ruler.image + ruler.context, tokens.shape[1]
    travelling = {rows.argument for rows in spec.travel.rows}
    rotary = spec.attention.rotary
    apart_too = {rows.argument for rows in spec.travel.rows if rows.keys} | (
        set() if rotary is None else {rotary.rows.argument}
    )
    for name, value in call.items():
        if name in travelling - apart_too and value is not None and apart and _has_rows(spec, name, value):
            raise UnsupportedModel(
                f"{spec.name} was given {name!r}, which cannot be cut to queries and keys of different numbers. Use "
                "keys='kept' and no 'kv' sites, or call the model without it."
            )
        known = name in travelling or name in spec.travel.stays or value is tokens
        if not known and any(_has_axis(tensor, lengths, ruler.batch) for tensor in tensors_in(value)):
            raise UnsupportedModel(
                f"Argument {name!r} of {spec.name} has an axis of {ruler.image} tokens, and the family's description "
                "does not say whether it travels with them. Call the model without it, or add it to `rows` or `stays`."
            )


def _all(value: Any, rows: Rows, index: RowIndex, where: str) -> Any:
    """Gather the rows of each tensor in a value."""
    if isinstance(value, torch.Tensor):
        return _taken(value, rows, index, where)
    if isinstance(value, dict):
        return {name: _all(item, rows, index, where) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)([_all(item, rows, index, where) for item in value])
    return value


def _taken(value: torch.Tensor, rows: Rows, index: RowIndex, where: str) -> torch.Tensor:
    """Gather the rows of one tensor; once for all sites that keep the same tokens."""
    if index.taken is None:
        return _tensor(value, rows, index, where)
    if (id(value), rows) not in index.taken:
        index.taken[id(value), rows] = value, _tensor(value, rows, index, where)
    return index.taken[id(value), rows][1]


def _tensor(value: torch.Tensor, rows: Rows, index: RowIndex, where: str) -> torch.Tensor:
    """Gather the rows of one tensor along each axis that runs over tokens, where it does."""
    if not rows.has(value.ndim):
        return value  # of another form, which has no row per token
    if rows.optional and rows.ndim and len(index.reduction.kept) > 1:
        value = value[(None,) * (rows.ndim - value.ndim)]
    for axis, order in rows.axes:
        length, image = value.shape[axis], index.reduction.tokens
        if length == 1:
            continue
        if length < image or (len(order) == 1 and length != image):
            raise UnsupportedModel(
                f"{rows} of {where} has {length} rows of {' '.join(order)!r}, and the image has {image} tokens. "
                f"Correct rows={{{rows.argument!r}: ...}} in the family's description, or call the model without it."
            )
        value = _along(value, axis, index(order, length), rows, where)
    return value


def _along(value: torch.Tensor, axis: int, index: torch.Tensor, rows: Rows, where: str) -> torch.Tensor:
    """Gather along one axis; where samples keep different tokens the first axis is the batch, or grows to it."""
    if index.shape[0] == 1:
        return value.index_select(axis, index[0])
    axis %= value.ndim
    if axis == 0 or value.shape[0] not in (1, index.shape[0]):
        raise UnsupportedModel(
            f"{rows} of {where}, of shape {tuple(value.shape)}, has no batch axis, so it cannot be gathered for "
            f"{index.shape[0]} samples that keep different tokens. Draw one sample at a time."
        )
    shape = [index.shape[0] if d == 0 else index.shape[1] if d == axis else 1 for d in range(value.ndim)]
    sizes = [index.shape[0] if d == 0 else index.shape[1] if d == axis else n for d, n in enumerate(value.shape)]
    return value.expand(index.shape[0], *value.shape[1:]).gather(axis, index.view(shape).expand(sizes))


def _has_rows(spec: SiteSpec, name: str, value: Any) -> bool:
    described = [rows for rows in spec.travel.rows if rows.argument == name]
    return any(
        rows.has(tensor.ndim) and any(tensor.shape[axis] > 1 for axis, _ in rows.axes)
        for rows in described
        for tensor in tensors_in(value)
    )


def _has_axis(tensor: torch.Tensor, lengths: tuple[int, ...], batch: int) -> bool:
    """Say whether an axis that is not the batch's has one of some lengths, and so may run over tokens."""
    axes = tensor.shape[1:] if tensor.shape[:1] == (batch,) else tensor.shape
    return any(axis == length for axis in axes for length in lengths)


def tensors_in(value: Any) -> list[torch.Tensor]:
    """List the tensors in an argument."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    return [t for v in value for t in tensors_in(v)] if isinstance(value, (tuple, list)) else []
