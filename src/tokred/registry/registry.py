"""Finds components: tokred's own at once, those of other distributions when they are asked for."""

from __future__ import annotations

import importlib
import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any

import pluggy

from tokred.errors import PluginError, UnknownName
from tokred.registry.component import API_VERSION, Component, Kind
from tokred.registry.hooks import Hooks

BUILT_IN = (
    "tokred.parts.plugin",
    "tokred.metric_components",
    "tokred.baselines.plugin",
    "tokred_plugins.plugin",
    "tokred_adapters.plugin",
)
GROUP = "tokred"
SLOW_SECONDS = 3.0
"""What the module of a plugin's hook may take to import."""


@dataclass(frozen=True)
class Provider:
    """The distribution that a component comes from."""

    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Registered:
    """A component and where it comes from."""

    component: Component
    provider: Provider

    def load(self) -> Any:
        """Import and return the component's target.

        Raises:
            PluginError: if that fails; the message names the distribution.
        """
        try:
            return self.component.load()
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{self.component.kind} {self.component.name!r} of {self.provider} cannot be loaded ({_why(error)}). "
                f"Update or uninstall {self.provider.distribution}."
            ) from error


class Registry:
    """All components, by kind and name.

    Attributes:
        problems: what failed to load: the provider and why.
    """

    def __init__(self) -> None:
        self.problems: list[tuple[Provider, str]] = []
        self._components: dict[tuple[Kind, str], Registered] = {}
        self._manager = pluggy.PluginManager("tokred")
        self._manager.add_hookspecs(Hooks)
        self._others_loaded = False
        provider = Provider("tokred", metadata.version("tokred"))
        for name in BUILT_IN:
            self._register(importlib.import_module(name), provider)
        self._own = frozenset(self._components)

    def find(self, kind: Kind, name: str) -> Registered:
        """Return the component of that name; other distributions are only looked at for a name that is not built in.

        tokred's own are found in any case: papers write DiTo, ToMeSD and PiToMe.

        Raises:
            UnknownName: if there is none.
        """
        name = name.lower() if self.built_in(kind, name.lower()) else name
        if (kind, name) not in self._components:
            self.load_others()
        if (kind, name) not in self._components:
            known = [registered.component.name for registered in self.all(kind)]
            raise UnknownName(kind, name, known, self._note())
        return self._components[kind, name]

    def all(self, kind: Kind) -> Iterator[Registered]:
        """Yield every component of a kind: tokred's own, and then, where more are wanted, those of others."""
        own = self._of(kind)
        yield from own
        self.load_others()
        yield from (registered for registered in self._of(kind) if registered not in own)

    def loaded(self, kind: Kind) -> Iterator[tuple[Registered, Any]]:
        """Yield every component of a kind with its target; one that cannot be imported costs a warning.

        Raises:
            PluginError: in strict mode.
        """
        for registered in self.all(kind):
            try:
                target = registered.load()
            except PluginError as error:
                self.leave_out(registered.provider, str(error), error)
            else:
                yield registered, target

    def own(self, kind: Kind) -> list[Registered]:
        """Return what tokred itself provides of a kind, without a look at other distributions."""
        return [registered for registered in self._of(kind) if (kind, registered.component.name) in self._own]

    def built_in(self, kind: Kind, name: str) -> bool:
        """Say whether tokred itself provides that component, without a look at other distributions."""
        return (kind, name) in self._own

    def load_others(self) -> None:
        """Load the plugins of other distributions, one by one; a broken one costs a warning and nothing else.

        The variable TOKRED_DISABLE_PLUGINS ("all", or names separated by commas) leaves plugins out, and
        TOKRED_STRICT_PLUGINS=1 raises what goes wrong.

        Raises:
            PluginError: in strict mode.
        """
        if self._others_loaded:
            return
        self._others_loaded = True
        disabled = {name.strip() for name in os.environ.get("TOKRED_DISABLE_PLUGINS", "").split(",")}
        for entry in metadata.entry_points(group=GROUP):
            if disabled.isdisjoint({"all", entry.name, _distribution(entry).distribution}):
                self._load(entry)

    def _load(self, entry: metadata.EntryPoint) -> None:
        provider, began = _distribution(entry), time.perf_counter()
        try:
            self._register(entry.load(), provider)
        except (Exception, SystemExit) as error:
            self.leave_out(provider, _why(error), error)
            return
        took = time.perf_counter() - began
        if took > SLOW_SECONDS:
            warnings.warn(
                f"tokred: plugin {provider} took {took:.0f} s to load. Its authors should keep the module of the hook "
                f"light; TOKRED_DISABLE_PLUGINS={provider.distribution} leaves it out.",
                stacklevel=2,
            )

    def leave_out(self, provider: Provider, why: str, error: BaseException) -> None:
        """Warn, once, of what failed in another distribution; raise it in strict mode.

        Raises:
            PluginError: in strict mode.
        """
        if os.environ.get("TOKRED_STRICT_PLUGINS") == "1":
            raise PluginError(f"Plugin {provider} failed to load ({why}).") from error
        if (provider, why) in self.problems:
            return
        self.problems.append((provider, why))
        warnings.warn(
            f"tokred: plugin {provider} failed to load and is left out ({why}). Update or uninstall it, or set "
            f"TOKRED_DISABLE_PLUGINS={provider.distribution} to silence this.",
            stacklevel=2,
        )

    def _of(self, kind: Kind) -> list[Registered]:
        return [registered for (k, _), registered in self._components.items() if k == kind]

    def _register(self, module: ModuleType, provider: Provider) -> None:
        """Take the components of one plugin, all of them or, if any is wrong, none."""
        name = self._manager.register(module)
        try:
            self._manager.check_pending()
            hook = self._manager.subset_hook_caller("tokred_components", self._others(module))
            found = [component for yielded in hook() for component in yielded]
            if not found:
                raise PluginError("it implements no tokred_components hook, or yields nothing")
            for component in found:
                self._check(component)
        except BaseException:
            self._manager.unregister(name=name)
            raise
        for component in found:
            self._components[component.kind, component.name] = Registered(component, provider)

    def _others(self, module: ModuleType) -> list[object]:
        return [plugin for plugin in self._manager.get_plugins() if plugin is not module]

    def _check(self, component: Component) -> None:
        if not isinstance(component, Component):
            raise PluginError(f"it yields {component!r}, which is not a tokred.Component")
        if component.requires_api[0] != API_VERSION[0] or component.requires_api > API_VERSION:
            raise PluginError(f"it was written for plugin interface {component.requires_api}, this is {API_VERSION}")
        taken = self._components.get((component.kind, component.name))
        if taken:
            raise PluginError(f"{component.kind} {component.name!r} is already provided by {taken.provider}")

    def _note(self) -> str:
        if not self.problems:
            return ""
        failed = "; ".join(f"{provider} ({why})" for provider, why in self.problems)
        return f"{len(self.problems)} plugin{'s' * (len(self.problems) > 1)} failed to load: {failed}."


def _why(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _distribution(entry: metadata.EntryPoint) -> Provider:
    return Provider(entry.dist.name, entry.dist.version) if entry.dist else Provider(entry.name, "?")
