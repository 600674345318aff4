"""What holds sites, and may be compiled: it is code of its own for each thing that they do."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from types import MethodType
from typing import Any

from torch import nn

from tokred.engine.base_site import BaseSite
from tokred.engine.doing import Doing
from tokred.engine.patch import PatchedForward, stand_in
from tokred.engine.wrapped import functions_of, refill, replace
from tokred.interfaces import Forward


class Unit(PatchedForward):
    """Stands around a module that holds sites, and passes its calls on.

    `torch.compile` keeps graphs, and limits their number, by the code of what it compiles: each phase of a method has
    the limit to itself.

    Args:
        module: what holds the sites, or is one.
        sites: those inside.
    """

    def __init__(self, module: nn.Module, sites: Sequence[BaseSite]) -> None:
        super().__init__(module, _pass_on)
        self.sites = sites
        self.doing: frozenset[Doing] = frozenset()
        self.forwards: dict[frozenset[Doing], Forward] = {}

    @property
    def forward(self) -> Forward:
        """The code of what the sites do; the same object whenever they do it."""
        known = self.forwards.get(self.doing)
        if known is None:
            code: Any = stand_in(type(self.module), self.method, self.doing)  # type: ignore[arg-type]
            known = self.forwards[self.doing] = MethodType(code, self)
        return known

    def begin(self, doing: Mapping[BaseSite, Doing]) -> None:
        """Be the code of what the sites do in the call that was planned."""
        now = frozenset([doing[site] for site in self.sites])
        if now != self.doing:
            done, before, self.doing = self.doing, self.forward, now
            if not self.change(before):
                self.doing = done

    def change(self, before: Forward) -> bool:
        """Stand where `before` does, also under what was wrapped around it since; False where it is not found."""
        slots = self.module.__dict__
        if self.is_this(slots.get(self.slot)):  # so it nearly always is, and this is done at each call
            slots[self.slot] = self.forward
            return True
        return replace(self.module, before, self.forward)


class ModelUnit(Unit):
    """Stands around the model, whose forward has been looked up when a call of it is planned.

    So what stands there is a `functools.partial`, which can be filled anew. In a module that is compiled as a part of
    another, it would be compiled for each alone.
    """

    def install(self) -> None:
        """See `PatchedForward`."""
        super().install()
        self.module.__dict__[self.slot] = functools.partial(self.forward)

    def change(self, before: Forward) -> bool:
        """See `Unit`."""
        stands = self._stands()
        for held in stands:
            refill(held, self.forward)
        return bool(stands)

    def restore(self) -> bool:
        """See `PatchedForward`."""
        if self.leave_out(vars(self.module)):
            return True
        return any(replace(self.module, held, self.original) for held in self._stands())

    def is_this(self, held: Any) -> bool:
        """See `PatchedForward`."""
        return isinstance(held, functools.partial) and super().is_this(held.func)

    def _stands(self) -> list[Any]:
        return [held for held in functions_of(self.module) if self.is_this(held)]


def units_of(model: nn.Module, sites: Iterable[BaseSite]) -> list[Unit]:
    """Make what stands around each module that holds sites, and each that is a whole block or model itself."""
    paths = {module: name.split(".") if name else [] for name, module in model.named_modules()}
    inside: dict[nn.Module, list[BaseSite]] = {}
    for site in sites:
        path = paths[site.spec.module]
        whole = site.spec.kind in ("block", "stream", "model")
        for depth in range(len(path) + whole):
            inside.setdefault(model.get_submodule(".".join(path[:depth])), []).append(site)
    return [
        (ModelUnit if module is model else Unit)(module, held)
        for module, held in inside.items()
        if type(module).forward is not nn.Module.forward
    ]


def _pass_on(forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return forward(*args, **kwargs)
