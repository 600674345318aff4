"""Features from inside a transformer block, for the sites that compare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from tokred.engine.arguments import Arguments
from tokred.engine.patch import Forward


class Held:
    """What one site waits for in one model call: the first features that are offered, until they are taken.

    Attributes:
        wanted: whether the site matches in this call.
        features: `[B, L, C]`, image tokens last; None before they were offered.
    """

    def __init__(self) -> None:
        self.expect(False)

    def expect(self, wanted: bool) -> None:
        """Say whether features are wanted in the next call; forget those of the last."""
        self.wanted = wanted
        self.features: torch.Tensor | None = None

    def offer(self, features: torch.Tensor) -> None:
        """Hold `features`, if they are wanted and the first."""
        if self.wanted and self.features is None:
            self.features = features

    def take(self) -> torch.Tensor | None:
        """Return the features and hold them no longer."""
        features = self.features
        self.expect(False)
        return features


@dataclass(frozen=True)
class BlockTap:
    """Stands around a transformer block and offers its input tokens `[B, L, C]`.

    Attributes:
        names: names of the block's positional arguments.
        argument: the one that holds the tokens.
        held: what the sites inside the block wait for.
    """

    names: tuple[str, ...]
    argument: str
    held: tuple[Held, ...]

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the block."""
        tokens = Arguments(self.names, args, kwargs)[self.argument]
        for held in self.held:
            held.offer(tokens)
        return forward(*args, **kwargs)


@dataclass(frozen=True)
class KeyTap:
    """Stands around a module that returns an attention's keys and offers them.

    Attributes:
        held: what the sites of the block wait for.
    """

    held: tuple[Held, ...]

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the keys, `[B, L, C]`, or by heads `[B, H, L, d]`, which are offered as their mean over the heads."""
        keys: torch.Tensor = forward(*args, **kwargs)
        for held in self.held:
            held.offer(keys if keys.ndim == 3 else keys.mean(dim=1))
        return keys
