"""Checks of the parameters of rivals."""

from __future__ import annotations

from tokred.errors import SpecError


def check_count(name: str, value: int, least: int) -> None:
    """Raise `SpecError` unless the parameter `name` is an integer of at least `least`."""
    if type(value) is not int or value < least:
        raise SpecError(f"{name}={value!r} must be an integer of at least {least}.")
