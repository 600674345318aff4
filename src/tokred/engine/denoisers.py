"""The models of a pipeline that draw: those that it calls once per step and guidance branch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from tokred.errors import UnsupportedModel

PACKAGES = ("diffusers.models.transformers", "diffusers.models.unets")
"""Where diffusers keeps the classes of denoisers."""
NAMES = ("transformer", "transformer_2", "unet")
"""What pipelines call their denoisers, of whatever class these are."""
WRAPPERS = {
    "DistributedDataParallel": "module",
    "DataParallel": "module",
    "PeftModel": "base_model.model",
    "FeatureGetterNet": "model",
}
"""Wrappers whose calls reach the model inside as they are, and where they keep it."""


def denoisers_of(target: Any, known: Callable[[nn.Module], bool]) -> dict[str, nn.Module]:
    """Return the models that a method is applied to, by their names in a pipeline; a model by itself is called "".

    Args:
        target: a pipeline or a model.
        known: says whether a family describes a model.

    Raises:
        UnsupportedModel: if there is none.
    """
    if isinstance(target, nn.Module):
        return {"": unwrapped(target)}
    components = getattr(target, "components", None)
    held = dict(components) if isinstance(components, dict) else getattr(target, "__dict__", {})
    found = {
        name: unwrapped(part)
        for name, part in held.items()
        if isinstance(part, nn.Module) and (name in NAMES or _draws(unwrapped(part)) or known(unwrapped(part)))
    }
    if not found:
        raise UnsupportedModel(
            f"{type(target).__name__} is neither a model nor a pipeline with a denoiser, such as `transformer`. "
            "Pass the pipeline, its denoiser or a vision model; `tokred models` lists the classes that are known."
        )
    return {name: model for name, model in found.items() if name in NAMES or model not in _inside(found, name)}


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model inside a wrapper that passes calls on."""
    while (place := _place(model)) is not None:
        model = model.get_submodule(place)
    return model


def _place(model: nn.Module) -> str | None:
    """Return where a wrapper keeps the model; None where there is none."""
    return next((WRAPPERS[kind.__name__] for kind in type(model).__mro__ if kind.__name__ in WRAPPERS), None)


def _draws(model: nn.Module) -> bool:
    return any(kind.__module__.startswith(PACKAGES) for kind in type(model).__mro__)


def _inside(found: dict[str, nn.Module], name: str) -> set[nn.Module]:
    """Return the modules inside the other models that were found."""
    return {
        module for other, model in found.items() if other != name for module in model.modules() if module is not model
    }
