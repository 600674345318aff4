"""Gathering what travels with the tokens: RoPE rows, masks, per-token modulation."""

from __future__ import annotations

from typing import Any

import torch

from tokred.adapter import Keys, SiteSpec
from tokred.engine.arguments import Arguments
from tokred.errors import UnsupportedModel
from tokred.layout import Layout
from tokred.reduction import Reduction


def gather_travels(spec: SiteSpec, call: Arguments, reduction: Reduction) -> None:
    """Replace each travelling argument of `call` by its rows of the kept tokens.

    Args:
        spec: the site.
        call: the site's arguments, of all tokens.
        reduction: which tokens are kept.

    Raises:
        UnsupportedModel: if a batch that keeps other tokens for each sample meets an argument without a batch axis.
    """
    for travel in spec.travels:
        value = call.get(travel.argument)
        if value is None:
            continue
        for axis in travel.axes:
            value = gather_rows(value, axis, reduction)
        call[travel.argument] = value


def check_arguments(spec: SiteSpec, call: Arguments, batch: int, layout: Layout, keys: Keys) -> None:
    """Refuse an argument that cannot be reduced.

    Args:
        spec: the site.
        call: the site's arguments.
        batch: number of samples; a first axis of this length is theirs.
        layout: how the model call's tokens are made up.
        keys: what the kept queries attend to.

    Raises:
        UnsupportedModel: naming a tensor argument that might have a row per token and that the adapter does not know,
            or one that travels with queries and keys while these are not the same tokens.
    """
    lengths = {layout.image, layout.image + spec.context_tokens(layout)}
    travels = {travel.argument for travel in spec.travels}
    rotates = {spec.rotary.argument} if spec.rotary else set()
    apart = spec.kind == "kv" or (keys != "kept" and bool(spec.key_modules))
    for name, value in call.items():
        if name in travels - rotates and value is not None and apart:
            raise UnsupportedModel(
                f"{spec.name} was given {name!r}, which cannot be cut to queries and keys of different numbers. Use "
                "keys='kept' and no 'kv' sites, or call the model without it."
            )
        known = name in travels or name in (spec.tokens, *spec.stays)
        if not known and any(lengths & _token_axes(tensor, batch) for tensor in _tensors(value)):
            raise UnsupportedModel(
                f"Argument {name!r} of {spec.name} has an axis of {layout.image} tokens, and the adapter does not say "
                "whether it travels with them. Call the model without it, or add it to the adapter's `travels` or "
                "`stays`."
            )


def gather_rows(value: Any, axis: int, reduction: Reduction) -> Any:
    """Gather the rows of the kept tokens along an axis of a tensor, or of each in a tuple; leading rows are kept.

    Args:
        value: has a row per token along `axis`, image tokens last; returned as it is where the axis is shorter.
        axis: the axis.
        reduction: which tokens are kept.

    Raises:
        UnsupportedModel: if a batch that keeps other tokens for each sample meets a tensor without a batch axis.
    """
    if isinstance(value, tuple):
        return tuple(gather_rows(v, axis, reduction) for v in value)
    lead = value.shape[axis] - reduction.tokens
    if lead < 0:
        return value
    index = torch.cat([_leading_rows(reduction.kept, lead), reduction.kept + lead], dim=1)
    if index.shape[0] == 1:
        return value.index_select(axis, index[0])
    axis %= value.ndim
    if axis == 0 or value.shape[0] != index.shape[0]:
        raise UnsupportedModel(
            f"A tensor of shape {tuple(value.shape)} has no batch axis, so it cannot be gathered for {index.shape[0]} "
            "samples that keep different tokens. Set per_sample=False in the adapter's site."
        )
    shape = [index.shape[0] if d == 0 else index.shape[1] if d == axis else 1 for d in range(value.ndim)]
    sizes = [index.shape[1] if d == axis else n for d, n in enumerate(value.shape)]
    return value.gather(axis, index.view(shape).expand(sizes))


def _leading_rows(kept: torch.Tensor, lead: int) -> torch.Tensor:
    return torch.arange(lead, device=kept.device).expand(kept.shape[0], -1)


def _token_axes(tensor: torch.Tensor, batch: int) -> set[int]:
    """Return the lengths of the axes that may run over tokens."""
    return set(tensor.shape[1:] if tensor.shape[:1] == (batch,) else tensor.shape)


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    return [t for v in value for t in _tensors(v)] if isinstance(value, (tuple, list)) else []
