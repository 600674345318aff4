"""The registry of components, and what is asked of it most."""

from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred.registry.build import build_method, build_part, compose
    from tokred.registry.component import API_VERSION, KINDS, Component, Kind, resolve
    from tokred.registry.default import component_of, components, default_registry
    from tokred.registry.described import families, family_for, family_of, registered_families, registered_name
    from tokred.registry.hooks import hookimpl
    from tokred.registry.method_file import read_method, save_method
    from tokred.registry.parameter import REQUIRED, Parameter, parameters_of, written
    from tokred.registry.parameters import parse_parameters
    from tokred.registry.registry import Provider, Registered, Registry


__all__ = [
    "API_VERSION",
    "KINDS",
    "REQUIRED",
    "Component",
    "Kind",
    "Parameter",
    "Provider",
    "Registered",
    "Registry",
    "build_method",
    "build_part",
    "component_of",
    "components",
    "compose",
    "default_registry",
    "families",
    "family_for",
    "family_of",
    "hookimpl",
    "parameters_of",
    "parse_parameters",
    "read_method",
    "registered_families",
    "registered_name",
    "resolve",
    "save_method",
    "written",
]

__getattr__, __dir__ = lazily(__name__)
