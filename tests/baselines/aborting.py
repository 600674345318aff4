"""Breaking off a generation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def aborted(model: nn.Module, after: int) -> Iterator[None]:
    """Raise `KeyboardInterrupt` when `model` has been called so often."""
    calls: list[None] = []

    def count(*_: Any) -> None:
        calls.append(None)
        if len(calls) > after:
            raise KeyboardInterrupt

    hook = model.register_forward_pre_hook(count)
    try:
        yield
    finally:
        hook.remove()
