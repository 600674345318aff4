"""A stand-in for a module's forward that can be taken away without a trace."""

from __future__ import annotations

import inspect
from typing import Any, Protocol

from torch import nn

OFFLOADED = "_old_forward"
"""Where accelerate keeps the forward of a module whose calls it has wrapped, to move weights around them."""
SLOTS = ("forward", OFFLOADED)


class Forward(Protocol):
    """A forward: what a module does when it is called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute."""
        ...


class Around(Protocol):
    """What runs in place of a forward, and is handed the original."""

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute in the place of `forward`, or around it."""
        ...


class PatchedForward:
    """A callable object that sits in `module.__dict__` where the module's forward would be.

    An object rather than a closure, so that a deep copy of the model runs the copy's weights; it carries the
    original's signature, because caches and exporters inspect it. Where accelerate has wrapped the module, the forward
    that accelerate calls is replaced, so that offloading again does not lose the patch.
    """

    def __init__(self, module: nn.Module, around: Around) -> None:
        self.module = module
        self.around = around
        self.slot = OFFLOADED if OFFLOADED in module.__dict__ else "forward"
        self.original: Forward = getattr(module, self.slot)
        self.replaced = {self.slot} & module.__dict__.keys()
        self.__signature__ = inspect.signature(self.original)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute, with the original at hand."""
        return self.around(self.original, args, kwargs)

    def install(self) -> None:
        """Put the stand-in in place."""
        self.module.__dict__[self.slot] = self

    def restore(self) -> bool:
        """Put back what was there; return False, and change nothing, where something else was put over it since."""
        slots = self.module.__dict__
        slot = next((slot for slot in SLOTS if slots.get(slot) is self), None)
        if slot is None:
            return False
        if slot in self.replaced or slot == OFFLOADED:  # accelerate may have moved the stand-in there
            slots[slot] = self.original
        else:
            del slots[slot]
        return True


def is_patched(module: nn.Module) -> bool:
    """Say whether tokred stands in for the forward of `module`."""
    return any(isinstance(module.__dict__.get(slot), PatchedForward) for slot in SLOTS)
