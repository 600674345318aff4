"""Loading without the bars that host libraries draw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def no_bars(library: Any) -> Iterator[None]:
    """Let `transformers` or `diffusers` draw no bars inside the `with` block, and as before after it."""
    logging = library.utils.logging
    drawn = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if drawn:
            logging.enable_progress_bar()
