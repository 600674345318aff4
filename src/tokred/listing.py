"""What there is: methods, models, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokred.registry import Registered, components, registered_families
from tokred.zoo import ZooModel, zoo_models
from tokred.zoo.families import PROMPTED
from tokred.zoo.words import vocabulary


@dataclass(frozen=True)
class Listed:
    """One line of a listing.

    Attributes:
        name: what to write.
        kind: "method", "baseline", "family" (a class of models) or "trained" (one that tokred ships).
        summary: what it is.
        provider: distribution and version that it comes from.
    """

    name: str
    kind: str
    summary: str
    provider: str


def methods() -> list[Listed]:
    """List the methods that `apply` takes, and the baselines that `tokred bench` compares them with."""
    return [_listed(registered) for registered in [*components("method"), *components("baseline")]]


def models() -> list[Listed]:
    """List the model classes that methods can be applied to, and the trained models that tokred ships."""
    families = [
        Listed(name, "family", f"{registered.component.name}: {registered.component.summary}", str(registered.provider))
        for registered, family in registered_families()
        for name in (model.partition(".")[2] for model in family.models)
    ]
    own = next(str(registered.provider) for registered in components("similarity"))
    return families + [Listed(model.name, "trained", model.summary, own) for model in zoo_models()]


def knowledge(model: ZooModel) -> dict[str, Sequence[str]]:
    """Return what a trained model knows, by what it is: its classes; or its prompts and the words they are made of."""
    if model.family not in PROMPTED:
        return {"classes": model.classes}
    return {"prompts that it was trained on": model.classes, "words that prompts can use": vocabulary(model.classes)}


def _listed(registered: Registered) -> Listed:
    component = registered.component
    return Listed(component.name, component.kind, component.summary, str(registered.provider))
