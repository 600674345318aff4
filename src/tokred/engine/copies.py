"""What becomes of a method when its model is saved, or copied."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Iterable
from typing import Any

from torch import nn

from tokred.engine.patch import PatchedForward

HOOKS = ("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_forward_hooks", "_forward_hooks_always_called")
NAMES = ("__reduce_ex__", "__deepcopy__")
"""What pickle and `copy.deepcopy` look for in an object, before they look in its class."""
ADDED = (*NAMES, "cache_context")
"""Attributes that are tokred's alone."""


class Copies:
    """Has one module saved without what tokred has put on it, and deep copied with it.

    A file of a model can so be read where tokred is not; a copied pipeline goes on with the method, in a run of its
    own.

    Args:
        module: stands here under `NAMES`.
        patches: what stands in for its functions, the first one innermost.
        hooks: the ids of its hooks.
    """

    def __init__(self, module: nn.Module, patches: Iterable[PatchedForward], hooks: Iterable[int]) -> None:
        self.module: Any = module
        self.patches, self.hooks = tuple(patches), frozenset(hooks)

    def attach(self) -> None:
        """Be what pickle and `copy.deepcopy` ask."""
        self.module.__dict__ |= dict(zip(NAMES, (self.reduce, self.deepcopy), strict=True))

    def detach(self) -> None:
        """Leave no trace."""
        for name in NAMES:
            del self.module.__dict__[name]

    def reduce(self, protocol: int) -> tuple[Any, ...]:
        """Return what pickle makes the plain module of."""
        state = self.module.__getstate__()
        plain = {name: value for name, value in state.items() if name not in ADDED}
        for patch in reversed(self.patches):
            patch.leave_out(plain)
        for name in HOOKS:
            plain[name] = type(plain[name])((id, hook) for id, hook in plain[name].items() if id not in self.hooks)
        return copyreg.__newobj__, (type(self.module),), plain  # type: ignore[attr-defined]

    def deepcopy(self, memo: dict[int, Any]) -> Any:
        """Copy the module as if this was not here: with all that tokred has put on it."""
        kind: Any = type(self.module)
        twin = memo[id(self.module)] = kind.__new__(kind)
        twin.__setstate__(copy.deepcopy(self.module.__getstate__(), memo))
        return twin
