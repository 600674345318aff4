"""What the kept queries of an attention attend to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from tokred.engine.memory import remember
from tokred.engine.patch import Forward
from tokred.interfaces import Memory, Recovery
from tokred.reduction import MergeMode, Reduction


class KeySource(Protocol):
    """Makes the keys (or the values) of one attention call."""

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """Return `[B, M, C]` for the tokens that the projection `project` is called with."""
        ...


@dataclass(frozen=True)
class FullKeys:
    """Projects all tokens `[B, N, C]`, whichever the queries are."""

    tokens: torch.Tensor

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        return project(self.tokens)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class RecoveredKeys:
    """Projects the kept tokens and recovers the others."""

    recovery: Recovery
    reduction: Reduction
    memory: Memory

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        return self.recovery.recover(project(tokens), self.reduction, self.memory)


@dataclass(frozen=True)
class MergedKeys:
    """Projects the merged tokens only, while the queries are all tokens; those before the image tokens all stay."""

    reduction: Reduction
    mode: MergeMode

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        lead = tokens.shape[1] - self.reduction.tokens
        merged = self.reduction.merge(tokens[:, lead:], self.mode)
        return project(torch.cat([tokens[:, :lead], merged], dim=1) if lead else merged)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ObservedKeys:
    """Projects all tokens and has the recovery remember the result."""

    recovery: Recovery
    memory: Memory

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        keys: torch.Tensor = project(tokens)
        remember(self.recovery, keys, self.memory)
        return keys


class KeyFeed:
    """Stands around a key or value projection; `source` is set while the attention around it runs.

    Attributes:
        source: makes the keys; None leaves the projection as it is.
        used: whether the projection has been called since it was last set to False.
    """

    def __init__(self) -> None:
        self.source: KeySource | None = None
        self.used = False

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Project, from `source` where there is one."""
        self.used = True
        if self.source is None:
            return forward(*args, **kwargs)
        return self.source(forward, *args, **kwargs)
