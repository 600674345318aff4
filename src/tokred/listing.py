"""What there is: methods, models, and where they come from."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokred.registry import Registered, adapters, components, default_registry, resolve
from tokred.zoo import ZooModel, zoo_models
from tokred.zoo.families import PROMPTED
from tokred.zoo.words import vocabulary


@dataclass(frozen=True)
class Listed:
    """One line of a listing.

    Attributes:
        name: what to write.
        kind: "method", "rival", "family" (a class of models that can be patched) or "trained" (one that tokred ships).
        summary: what it is.
        provider: distribution and version that it comes from.
    """

    name: str
    kind: str
    summary: str
    provider: str


def methods() -> list[Listed]:
    """List the methods that `apply` takes, and the rivals that `tokred bench` compares them with."""
    return [_listed(registered) for registered in [*components("method"), *components("rival")]]


def models() -> list[Listed]:
    """List the model classes that methods can be applied to, and the trained models that tokred ships."""
    families = [
        Listed(name, "family", f"{registered.component.name}: {registered.component.summary}", str(registered.provider))
        for registered, names in _families()
        for name in names
    ]
    own = next(str(registered.provider) for registered in components("similarity"))
    return families + [Listed(model.name, "trained", model.summary, own) for model in zoo_models()]


def knowledge(model: ZooModel) -> dict[str, Sequence[str]]:
    """Return what a trained model knows, by what it is: its classes; or its prompts and the words they are made of."""
    if model.family not in PROMPTED:
        return {"classes": model.classes}
    return {"prompts that it was trained on": model.classes, "words that prompts can use": vocabulary(model.classes)}


def _families() -> Iterator[tuple[Registered, Sequence[str]]]:
    """Yield every adapter's component with its `models`; tokred's own are read, as importing them needs torch."""
    own, others = [], False
    for registered in components("adapter"):
        if default_registry().built_in("adapter", registered.component.name):
            own.append(registered)
            yield registered, _written_models(registered.component.target)
        else:
            others = True
    if others:
        yield from ((registered, adapter.models) for registered, adapter in adapters() if registered not in own)


def _written_models(target: str) -> Sequence[str]:
    """Return what the class at "module:name" assigns to `models`, as its source has it."""
    module, _, name = target.partition(":")
    spec = importlib.util.find_spec(module)
    for statement in _body(Path(spec.origin), name) if spec and spec.origin else ():
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "models":
            models: Sequence[str] = ast.literal_eval(statement.value)
            return models
    return tuple(resolve(target).models)


def _body(source: Path, name: str) -> list[ast.stmt]:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def _listed(registered: Registered) -> Listed:
    component = registered.component
    return Listed(component.name, component.kind, component.summary, str(registered.provider))
