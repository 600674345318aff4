"""What the kept queries of an attention attend to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from tokred.errors import UnsupportedModel
from tokred.family.signature import IMAGE, Order
from tokred.family.spans import join, split
from tokred.interfaces import Forward, Memory, Recovery, Time
from tokred.reduction import MergeMode, Reduction

ALONE = (IMAGE,)


class KeySource(Protocol):
    """Makes the keys (or the values) of one attention call."""

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """Return `[B, M, C]` for the tokens that the projection `project` is called with."""
        ...


@dataclass(frozen=True)
class FullKeys:
    """Projects all of the image's tokens `[B, N, C]`, of which the projection is given `kept` in a sequence `order`."""

    image: torch.Tensor
    kept: int
    order: Order = ALONE

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        before, _, after = split(tokens, self.order, self.kept)
        return project(join(before, self.image, after))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class NormedKeys:
    """Projects all tokens of a whole block, once they are normalised."""

    norm: NormFeed

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        return project(self.norm.normed)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class RecoveredKeys:
    """Projects the kept tokens, in a sequence `order`, and recovers the others."""

    recovery: Recovery
    reduction: Reduction
    memory: Memory
    time: Time
    order: Order = ALONE

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`; context is projected as it is."""
        before, kept, after = split(project(tokens), self.order, self.reduction.computed)
        return join(before, self.recovery.recover(kept, self.reduction, self.memory, self.time), after)


@dataclass(frozen=True)
class MergedKeys:
    """Projects the merged tokens only, while the queries are all tokens; context, in a sequence `order`, all stays."""

    reduction: Reduction
    mode: MergeMode
    order: Order = ALONE

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        before, image, after = split(tokens, self.order, self.reduction.tokens)
        return project(join(before, self.reduction.merge(image, self.mode), after))  # type: ignore[no-any-return]


class SeenKeys:
    """Projects all tokens of a sequence `order` and notes the result `[B, L, C]`."""

    keys: torch.Tensor

    def __init__(self, order: Order = ALONE) -> None:
        self.order = order

    def __call__(self, project: Forward, tokens: torch.Tensor) -> torch.Tensor:
        """See `KeySource`."""
        self.keys = project(tokens)
        return self.keys

    def image(self, tokens: int) -> torch.Tensor:
        """Return the rows of the image's tokens, `[B, N, C]`."""
        return split(self.keys, self.order, tokens)[1]


class NormFeed:
    """Stands around the module that normalises a block's tokens, and normalises those that the block was not given.

    Attributes:
        image: all image tokens `[B, N, C]`, while the block runs on some of them; None leaves the module as it is.
        kept: number of image tokens that the block was given.
        order: the parts of the sequence that the module sees.
        normed: all tokens, normalised, `[B, L, C]`.
    """

    normed: torch.Tensor

    def __init__(self) -> None:
        self.image: torch.Tensor | None = None
        self.kept = 0
        self.order: Order = ALONE

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Normalise what was given, and the image tokens apart."""
        result = forward(*args, **kwargs)
        if self.image is not None:
            image = forward(self.image, *args[1:], **kwargs)
            before, _, after = split(_first(result), self.order, self.kept)
            self.normed = join(before, _first(image), after)
        return result


def _first(result: Any) -> torch.Tensor:
    """Return what a module returned, or the first of several values."""
    first: torch.Tensor = result[0] if isinstance(result, tuple) else result
    return first


class KeyFeed:
    """Stands around a key or value projection; `source` is set while the attention around it runs.

    Attributes:
        source: makes the keys; None leaves the projection as it is.
        used: whether the projection has been called since it was last set to False.
        samples: number of samples that `source` makes keys for.
    """

    def __init__(self) -> None:
        self.source: KeySource | None = None
        self.used = False
        self.samples = 0

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Project, from `source` where there is one."""
        self.used = True
        if self.source is None:
            return forward(*args, **kwargs)
        if args and len(args[0]) != self.samples:
            raise UnsupportedModel(
                f"An attention projects the keys of {len(args[0])} of {self.samples} samples by themselves, as "
                "perturbed attention guidance does. Use keys='kept', which leaves keys as the attention makes them."
            )
        return self.source(forward, *args, **kwargs)
