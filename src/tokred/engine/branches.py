"""What a pipeline calls the guidance branch of a model call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from torch import nn


class BranchNames:
    """Notes the names that a pipeline gives to its calls by diffusers' `cache_context`, such as "cond" and "uncond".

    Args:
        model: a denoiser; one of a class without `cache_context` is left alone.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.current = ""
        self.original: Any = getattr(model, "cache_context", None)

    def attach(self) -> None:
        """Stand in for the model's `cache_context`."""
        if self.original is not None:
            self.model.__dict__["cache_context"] = self

    def detach(self) -> None:
        """Put back what was there."""
        if self.model.__dict__.get("cache_context") is self:
            del self.model.__dict__["cache_context"]

    def __call__(self, name: str, **details: Any) -> AbstractContextManager[None]:
        """Stand in for `cache_context`: note the name while the block lasts."""
        return self._named(name, details)

    @contextmanager
    def _named(self, name: str, details: dict[str, Any]) -> Iterator[None]:
        with self.original(name, **details):
            before, self.current = self.current, name
            try:
                yield
            finally:
                self.current = before
