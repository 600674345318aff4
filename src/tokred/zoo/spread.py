"""Which class or prompt a seed stands for."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

GOLDEN = (5**0.5 - 1) / 2


def asked(classes: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """Return the class or prompt that each seed stands for: `classes[seed * hop % len(classes)]`.

    Seeds in a row hop through the classes by about the golden section, so that any few of them are spread evenly over
    what is in order of kind, and as many as there are classes show each once.

    Args:
        classes: the classes or prompts, at least one.
        seeds: any integers.
    """
    count = len(classes)
    hop = min((h for h in range(1, count + 1) if gcd(h, count) == 1), key=lambda h: abs(h - GOLDEN * count))
    return [classes[seed * hop % count] for seed in seeds]
