"""From whatever a user names to what is examined."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tokred.errors import SpecError, UnknownName
from tokred.method import Method
from tokred.registry import KINDS, Component, Kind, Registered, component_of, components, resolve
from tokred.testing.check import INTERFACES, Specimen
from tokred.testing.host import Host

_PARTS: tuple[Kind, ...] = ("similarity", "matcher", "scheduler", "recovery")


@dataclass(frozen=True)
class Examined:
    """A component, with every set of parameters that it is checked with.

    Attributes:
        name: what results call it.
        specimens: one for each set of parameters.
        expected_failures: the reason for each check, by its name, that it is known to fail.
    """

    name: str
    specimens: tuple[Specimen, ...]
    expected_failures: Mapping[str, str] = field(default_factory=dict)


def examine(item: Any, known: list[Any]) -> Iterator[Examined]:
    """Yield what is to be examined of an item: itself, and after a method each of its parts; see `cases`.

    Args:
        item: whatever a user names.
        known: the parts that were examined before, which a method does not bring again; new ones are added.
    """
    if isinstance(item, str):
        for registered in _named(item):
            yield from _component(registered.component, registered.load(), known)
    elif isinstance(item, Component):
        yield from _component(item, item.load(), known)
    else:
        makes = isinstance(item, type) or _is_function(item)
        factory: Any = item if makes else functools.partial(copy.deepcopy, item)
        source: Any = item if makes else type(item)
        made = _made(factory)
        kind = _kind(made, item)
        name = made.name if isinstance(made, Method) else source.__name__
        specimen = Specimen(kind, name, source, factory)
        yield Examined(name, (specimen,))
        yield from _parts(specimen.name, (specimen,), {}, known)


def unlike(specimens: list[Specimen]) -> list[Specimen]:
    """Drop the methods whose parameters differ by a number alone from others': of these the middle one stays.

    What such a number decides is how many tokens go, and `reduces_as_it_says` tries that at every level.
    """
    alike: dict[str, list[Specimen]] = {}
    for specimen in specimens:
        params = _without_numbers(specimen.params) if specimen.kind == "method" else specimen
        alike.setdefault(repr(params), []).append(specimen)
    return [group[len(group) // 2] for group in alike.values()]


def _without_numbers(value: Any) -> Any:
    """Replace numbers by their types, also those in mappings and tuples."""
    if isinstance(value, Mapping):
        return {name: _without_numbers(each) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [_without_numbers(each) for each in value]
    return type(value) if type(value) in (int, float) else value


def _component(component: Component, target: Any, known: list[Any]) -> Iterator[Examined]:
    hosts = _hosts(component)
    factory = target if callable(target) else functools.partial(copy.deepcopy, target)
    specimens = tuple(
        Specimen(component.kind, component.name, target, factory, params, hosts) for params in component.levels
    )
    name = f"{component.kind}:{component.name}"
    yield Examined(name, specimens, component.expected_failures)
    if component.kind in _PARTS:
        known += _made_by(specimens)
    yield from _parts(name, specimens, component.expected_failures, known)


def _made_by(specimens: tuple[Specimen, ...]) -> list[Any]:
    """Return what the specimens make; nothing where that fails, for the checks to say why."""
    try:
        return [specimen.factory(**specimen.params) for specimen in specimens]
    except Exception:
        return []


def _parts(
    name: str, specimens: tuple[Specimen, ...], reasons: Mapping[str, str], known: list[Any]
) -> Iterator[Examined]:
    """Yield the parts of a method, each different one once; `reasons` are for those that are not components."""
    if not specimens or specimens[0].kind != "method":
        return
    for kind in _PARTS:
        different: list[Any] = []
        for specimen in specimens:
            part = getattr(specimen.make(), kind)
            different += [] if part in (*known, *different) else [part]
        known += different
        for cls in dict.fromkeys(map(type, different)):
            found = [functools.partial(copy.deepcopy, part) for part in different if type(part) is cls]
            own = component_of(kind, cls)
            yield Examined(
                f"{name}.{kind}",
                tuple(Specimen(kind, cls.__name__, cls, factory) for factory in found),
                own.component.expected_failures if own else reasons,
            )


def _named(text: str) -> list[Registered]:
    """Return the components of a name, of every kind that can be checked."""
    kind, colon, name = text.rpartition(":")
    if colon and kind not in INTERFACES:
        raise UnknownName("kind of component", kind, INTERFACES)
    kinds = [k for k in KINDS if k in INTERFACES and kind in ("", k)]
    found = [r for k in kinds for r in components(k) if r.component.name == name]
    if not found:
        known = {r.component.name for k in kinds for r in components(k)}
        raise UnknownName(kind or "component", name, known)
    return found


def _hosts(component: Component) -> tuple[Host, ...]:
    hosts = resolve(component.hosts) if component.hosts else ()
    if not isinstance(hosts, tuple) or not all(isinstance(host, Host) for host in hosts):
        raise SpecError(f"hosts={component.hosts!r} of {component.name!r} must name a tuple of tokred.testing.Host.")
    return hosts


def _made(factory: Any) -> Any:
    try:
        return factory()
    except TypeError as error:
        raise SpecError(
            f"{factory!r} cannot be made without parameters ({error}). Pass an object that it made."
        ) from error


def _kind(made: Any, item: Any) -> Kind:
    for kind, interface in INTERFACES.items():
        if isinstance(made, interface):
            return kind
    raise SpecError(
        f"{item!r} is nothing that can be checked. Pass a registered name, a component, a part, a method, a family, "
        "or a class or function that makes one without parameters."
    )


def _is_function(item: Any) -> bool:
    return callable(item) and hasattr(item, "__code__")
