"""The families of the zoo: how each builds its network and, where it draws, the pipeline around it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from tokred.extras import extra

if TYPE_CHECKING:
    import torch

EDITING = ("kontext",)
FILMING = ("wan",)
PROMPTED = ("flux", "sd3", *EDITING, *FILMING)
DRAWING = ("dit", *PROMPTED)
CLASSIFYING = ("vit",)
FAMILIES = DRAWING + CLASSIFYING


class Family(Protocol):
    """What every module `tokred.zoo.FAMILY` gives."""

    def build(self, config: dict[str, Any], classes: Sequence[str]) -> torch.nn.Module:
        """Build the untrained network, all of whose tensors the weights file holds.

        Args:
            config: keyword arguments of the network's class.
            classes: what the model knows: its classes, or the prompts that it is trained on.
        """
        ...


class DrawingFamily(Family, Protocol):
    """What the module of a family that draws gives besides."""

    def pipeline(self, model: torch.nn.Module, classes: Sequence[str], size: int) -> Any:
        """Build the diffusers pipeline that samples `model` in `size` x `size` pixels."""
        ...

    def request(self, pipe: Any, names: Sequence[str]) -> dict[str, Any]:
        """Return the arguments of `pipe` that ask for a picture of each of `names`, classes or prompts.

        Raises:
            SpecError: the model does not know one of them.
        """
        ...


def family(name: str) -> Family:
    """Import the family called `name`, one of `FAMILIES`, and its host library with it."""
    with extra("bench"):
        return cast(Family, importlib.import_module(f"tokred.zoo.{name}"))


def drawing_family(name: str) -> DrawingFamily:
    """Import the family called `name`, one of `DRAWING`, and diffusers with it."""
    return cast(DrawingFamily, family(name))
