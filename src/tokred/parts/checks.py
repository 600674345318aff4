"""Checks of the parameters that several parts share."""

from __future__ import annotations

from tokred.errors import SpecError


def check_ratio(ratio: float, skips: bool = False) -> None:
    """Raise `SpecError` unless `ratio` is in [0, 1), or 1 where a site may be skipped."""
    within = isinstance(ratio, int | float) and (0 <= ratio < 1 or (skips and ratio == 1))
    if not within:
        raise SpecError(
            f"ratio={ratio!r} must be a number in [0, 1{']' if skips else ')'}: it is the share of the image tokens "
            "that is removed."
        )


def check_at_least(name: str, value: int, least: int, meaning: str) -> None:
    """Raise `SpecError` unless `value` is an integer of at least `least`.

    Args:
        name: the parameter's name.
        value: what was given.
        least: the smallest allowed value.
        meaning: what the parameter counts.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SpecError(f"{name}={value!r} must be an integer of at least {least}: {meaning}.")


def check_numbers(name: str, values: tuple[float, ...]) -> None:
    """Raise `SpecError` unless `values` are numbers in a tuple or list, at least one."""
    numbers = values if isinstance(values, tuple | list) else ()
    if not numbers or not all(isinstance(value, int | float) for value in numbers):
        raise SpecError(f"{name}={values!r} must be a tuple of numbers, at least one, such as (0.9,) or (0.9, 0.8).")
