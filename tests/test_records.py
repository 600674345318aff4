"""Records stay small: what grows beyond a dozen fields is several things."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import tokred

MOST = 12
WAITING = {"SiteSpec", "Method"}
"""Those that are being taken apart."""


def test_no_public_record_has_more_than_a_dozen_fields() -> None:
    found = set()
    for module in pkgutil.walk_packages(tokred.__path__, "tokred."):
        if ".templates" not in module.name:
            for name, value in vars(importlib.import_module(module.name)).items():
                if (
                    isinstance(value, type)
                    and dataclasses.is_dataclass(value)
                    and len(dataclasses.fields(value)) > MOST
                ):
                    found.add(name)
    assert found - WAITING == set()
