"""A stand-in for a module's forward that can be taken away without a trace."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from types import MethodType
from typing import Any

from torch import nn

from tokred.engine.doing import Doing
from tokred.engine.wrapped import functions_of, replace
from tokred.interfaces import Around, Forward

OFFLOADED = "_old_forward"
"""Where accelerate keeps the forward of a module whose calls it has wrapped, to move weights around them."""


class Layer(IntEnum):
    """Which of several stand-ins for one module's forward is put over which: the lowest is the innermost.

    `PROBE` sees what all others pass on to the module, and so what is computed rather than what was asked for. `KEYS`
    are those of a "kv" site: the attention site beside it asks for the keys of all tokens, and they then let some of
    these through. `SITE` is what is left, in the order of the sites: what is reduced as a whole is in what comes after.
    """

    PROBE = 0
    KEYS = 1
    SITE = 2


@dataclass(frozen=True)
class Stand:
    """What a site has stand around one module, or a method of it, and in which layer."""

    module: nn.Module
    around: Around
    layer: Layer = Layer.SITE
    method: str = "forward"


class PatchedForward:
    """Stands where a module's forward, or another method, would be, as a bound method in `module.__dict__`.

    Bound to this object, so that a deep copy of the model runs the copy's weights; its function is one for all modules
    of a class, so that blocks compiled one by one share their graphs; and it carries the original's signature, because
    caches and exporters inspect it. Where accelerate has wrapped the module, the forward that accelerate calls is
    replaced, so that offloading again does not lose the patch. Several may stand over each other, and are restored
    in the opposite order.
    """

    run: Any = None
    """The run that it belongs to."""

    def __init__(self, module: nn.Module, around: Around, method: str = "forward") -> None:
        self.module = module
        self.around = around
        self.method = method

    @property
    def forward(self) -> Forward:
        """What stands there."""
        return MethodType(stand_in(type(self.module), self.method), self)  # type: ignore[arg-type]

    def install(self) -> None:
        """Put the stand-in in place."""
        offloaded = self.method == "forward" and OFFLOADED in self.module.__dict__
        self.slot = OFFLOADED if offloaded else self.method
        self.original: Forward = getattr(self.module, self.slot)
        self.replaced = self.slot in self.module.__dict__
        self.module.__dict__[self.slot] = self.forward

    def restore(self) -> bool:
        """Put back what was there, also under what was wrapped around it since; False where it is not found."""
        return self.leave_out(vars(self.module)) or replace(self.module, self.forward, self.original, self.method)

    def leave_out(self, values: dict[str, Any]) -> bool:
        """Put what was there into a module's attributes; False where something stands over this."""
        if not self.is_this(values.get(self.slot)):
            return False
        if self.replaced:
            values[self.slot] = self.original
        else:
            del values[self.slot]
        return True

    def is_this(self, held: Any) -> bool:
        """Say whether something that stands there is this."""
        return getattr(held, "__self__", None) is self


def patch_of(module: nn.Module) -> PatchedForward | None:
    """Return what stands in for the forward of `module`, if under something else; the outermost."""
    if "forward" not in module.__dict__:  # so with most of a model's thousand modules
        return None
    owners = (getattr(function, "__self__", None) for function in functions_of(module))
    return next((owner for owner in owners if isinstance(owner, PatchedForward)), None)


def is_cached(module: nn.Module) -> bool:
    """Say whether a cache of diffusers has hooked `module`, or one of cache-dit."""
    if "_is_cached" in module.__dict__:  # cache-dit's mark
        return True
    registry = getattr(module, "_diffusers_hook", None)
    return registry is not None and any(hook._is_stateful for hook in registry.hooks.values())


@functools.cache
def stand_in(kind: type[nn.Module], method: str, doing: frozenset[Doing] = frozenset()) -> Callable[..., Any]:
    """Make the function that stands in for a method of all modules of one class, in which sites do the same."""

    def forward(patch: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(patch, nn.Module):  # accelerate's `prepare` has bound it to the module, and keeps what it was
            patch = patch.__dict__["_original_forward"].__self__
        return patch.around(patch.original, args, kwargs)

    # Compiled graphs are kept, and limited in number, by code: each class has its own, and each phase.
    name = "_".join([f"{method}_of_{kind.__name__}", *sorted(each.shown for each in doing)])
    forward.__code__ = forward.__code__.replace(co_name=name)
    forward.__signature__ = inspect.signature(getattr(kind, method))  # type: ignore[attr-defined]
    return forward
