"""The words of prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable


def split_words(prompt: str) -> list[str]:
    """Split a prompt into words: runs of letters and digits, in lower case."""
    return re.findall(r"[^\W_]+", prompt.lower())


def vocabulary(prompts: Iterable[str]) -> list[str]:
    """Return every word of `prompts`, once, sorted."""
    return sorted({word for prompt in prompts for word in split_words(prompt)})
