"""Loading without the bars that host libraries draw."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec

LIBRARIES = ("diffusers", "transformers")
"""Those that draw bars while they load; each draws its own while the first loads a pipeline."""


@contextmanager
def no_bars() -> Iterator[None]:
    """Let host libraries draw no bars inside the `with` block, and as before after it."""
    with ExitStack() as undo:
        for name in LIBRARIES:
            if find_spec(name):
                logging = importlib.import_module(name).utils.logging
                if logging.is_progress_bar_enabled():
                    undo.callback(logging.enable_progress_bar)
                logging.disable_progress_bar()
        yield
