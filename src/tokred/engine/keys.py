"""What the kept queries of an attention attend to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from tokred.interfaces import Forward, Memory, Recovery
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
class NormedKeys:
    """Projects all tokens of a whole block, once they are normalised."""

    norm: NormFeed

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        return project(self.norm.normed)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class RecoveredKeys:
    """Projects the kept tokens and recovers the others."""

    recovery: Recovery
    reduction: Reduction
    memory: Memory
    time: torch.Tensor

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`; tokens before the image's are projected as they are."""
        keys: torch.Tensor = project(tokens)
        lead = keys.shape[1] - self.reduction.computed
        full = self.recovery.recover(keys[:, lead:], self.reduction, self.memory, self.time)
        return torch.cat([keys[:, :lead], full], dim=1) if lead else full


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


class SeenKeys:
    """Projects all tokens and notes the result `[B, L, C]`."""

    keys: torch.Tensor

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        self.keys = project(tokens)
        return self.keys


class NormFeed:
    """Stands around the module that normalises a block's tokens, and normalises those that the block was not given.

    Attributes:
        image: all image tokens `[B, N, C]`, while the block runs on some of them; None leaves the module as it is.
        kept: number of image tokens that the block was given, after the others.
        normed: all tokens, normalised, `[B, L, C]`.
    """

    normed: torch.Tensor

    def __init__(self) -> None:
        self.image: torch.Tensor | None = None
        self.kept = 0

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Normalise what was given, and the image tokens apart."""
        result = forward(*args, **kwargs)
        if self.image is not None:
            image = forward(self.image, *args[1:], **kwargs)[0]
            self.normed = torch.cat([result[0][:, : -self.kept], image], dim=1)
        return result


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
