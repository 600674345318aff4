"""Any denoiser, as far as whole calls go: skipping one and carrying its output on asks nothing of its tokens."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from tokred.family.description import Family

if TYPE_CHECKING:
    from torch import nn

TIMES = ("time", "sigma", "noise")
"""What the names of arguments have in them that say how much noise there is."""


def whole_calls(model: nn.Module) -> Family:
    """Return a family for a model that nobody has described: it has no blocks, and no grid."""
    name, parameters = type(model).__name__, _parameters(model)
    return Family(
        name=name,
        models=(f"{type(model).__module__.partition('.')[0]}.{name}",),
        grid=lambda model, arguments: (),
        picture=parameters[0] if parameters else "",
        text=_none,
    )


def takes_time(model: nn.Module) -> bool:
    """Say whether a model is told how much noise there is, as those are that are called step after step."""
    return any(name == "t" or any(word in name for word in TIMES) for name in _parameters(model))


def _parameters(model: nn.Module) -> list[str]:
    return [name for name in inspect.signature(type(model).forward).parameters if name != "self"]


def _none(model: Any, arguments: Any) -> int:
    return 0
