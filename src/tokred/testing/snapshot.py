"""Everything there is to know about a model, to tell that none of it changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

Snapshot = dict[str, Any]


def snapshot(model: nn.Module) -> Snapshot:
    """Note every module's type and attributes, what its dictionaries and lists hold, its class and all weights.

    Objects are held, not their ids, so that an id cannot be used again.
    """
    noted: Snapshot = {}
    for name, module in model.named_modules(remove_duplicate=False):
        noted[f"{name}: type"] = type(module)
        noted.update({f"{name}: {key}": value for key, value in _contents(vars(module)).items()})
        noted.update({f"class {type(module).__qualname__}: {k}": v for k, v in vars(type(module)).items()})
    return noted | {f"bytes of {name}": _bytes(tensor) for name, tensor in model.state_dict().items()}


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Name what was added, removed or replaced between two snapshots; nothing where a model is exactly as it was."""
    replaced = [name for name in before.keys() & after.keys() if not _same(before[name], after[name])]
    return sorted([*(before.keys() ^ after.keys()), *replaced])


def _contents(values: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten containers by one level: hooks, parameters and submodules are in dictionaries."""
    flat: dict[str, Any] = dict(values)
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= {f"{key}[{k!r}]": v for k, v in value.items()}
        elif isinstance(value, (list, tuple)):
            flat |= {f"{key}[{i}]": v for i, v in enumerate(value)}
    return flat


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.flatten().view(torch.uint8).numpy().tobytes()


def _same(before: Any, after: Any) -> bool:
    if before is after:
        return True
    if isinstance(before, bytes):
        return bool(before == after)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_is_made_anew, before, after))
    return _is_made_anew(before, after)


def _is_made_anew(before: Any, after: Any) -> bool:
    """Say whether a tensor is an equal one, which is not a parameter: some models make their tables in each call."""
    tensors = isinstance(before, torch.Tensor) and isinstance(after, torch.Tensor)
    return tensors and not isinstance(before, nn.Parameter) and torch.equal(before, after)
