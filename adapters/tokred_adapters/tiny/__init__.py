"""The tiny models of tokred's families: the classes that users run, with random weights.

A module for each family; its `HOSTS` say how to build its models and how to call them. Diffusers, timm and transformers
are imported when a model is built.
"""

from __future__ import annotations

import importlib
import pkgutil

from tokred.testing import Host


def hosts() -> tuple[Host, ...]:
    """Gather the hosts of all families, in the order of the modules' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(host for module in modules for host in getattr(module, "HOSTS", ()))
