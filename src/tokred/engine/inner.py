"""The modules inside sites that something stands around, and whatever takes their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from tokred.engine.base_site import BaseSite
from tokred.engine.copies import Copies
from tokred.engine.patch import PatchedForward
from tokred.engine.unit import Unit
from tokred.errors import ConflictError


@dataclass
class _Inside:
    """One module: where it is, and what stands around it, the innermost first."""

    path: str
    parent: nn.Module
    name: str
    patches: list[PatchedForward]
    copies: Copies

    @property
    def replaced(self) -> bool:
        return self.parent._modules.get(self.name) is not self.copies.module

    def follow(self) -> None:
        """Stand around what is there now.

        A LoRA's layer that is put around a projection makes keys with it; the projection does when it is gone.
        """
        module = self.parent.get_submodule(self.name)
        if any(map(_is_whole, self.patches)) or not all(patch.restore() for patch in reversed(self.patches)):
            raise ConflictError(
                f"{self.path} was replaced after tokred.apply(), which stands in for it. Call remove() on the run, "
                "replace it, then apply again."
            )
        self.copies.detach()
        for patch in self.patches:
            patch.module = module
            patch.install()
        self.copies.module = module
        self.copies.attach()


class Inner:
    """All of them in a model.

    Args:
        model: the model.
        patches: all that stands around its modules, the innermost first.
    """

    def __init__(self, model: nn.Module, patches: Sequence[PatchedForward]) -> None:
        self.modules = {patch.module for patch in patches if not _is_whole(patch)}
        self.insides = [
            self._inside(model, path, [patch for patch in patches if patch.module is module])
            for path, module in model.named_modules()
            if module in self.modules
        ]

    def _inside(self, model: nn.Module, path: str, patches: list[PatchedForward]) -> _Inside:
        parent, _, name = path.rpartition(".")
        return _Inside(path, model.get_submodule(parent), name, patches, Copies(patches[0].module, patches, ()))

    def attach(self) -> None:
        """Have them saved and copied as `Copies` does."""
        for inside in self.insides:
            inside.copies.attach()

    def detach(self) -> None:
        """Leave no trace."""
        for inside in self.insides:
            inside.copies.detach()

    def follow(self) -> None:
        """Stand around those that have taken the places of others since the last model call."""
        for inside in self.insides:
            if inside.replaced:
                inside.follow()


def _is_whole(patch: PatchedForward) -> bool:
    """Say whether it stands around a site, or what holds sites, rather than a module inside one."""
    return isinstance(patch, Unit) or isinstance(patch.around, BaseSite)
