"""What stands around a module's forward."""

from __future__ import annotations

from typing import Any, Protocol


class Forward(Protocol):
    """A forward: what a module does when it is called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute."""
        ...


class Around(Protocol):
    """What runs in place of a forward, and is handed the original."""

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute in the place of `forward`, or around it."""
        ...
