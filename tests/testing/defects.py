"""Components that are wrong in one way each, to see that the check meant for it finds that.

What each does wrong is said in a comment, so that it has the docstring of the part that it derives from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from tokred import Attention, Family, Layout, Method, Plan, Reduction, SiteInfo, Stack, parts
from tokred.family.grids import patches
from tokred.interfaces import Draw, Match, Memory, Similarity
from tokred.parts import Copy, Cosine, EveryStep, GridMatcher
from tokred_adapters.dit import DIT
from tokred_adapters.flux import FLUX


class LeaksRandomness(GridMatcher):
    """Draws from torch's global generator."""

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        own = torch.Generator().manual_seed(int(torch.randint(1000, ())))
        return super().draw(layout, r, own)


class DrawsOtherwiseTogether(GridMatcher):
    """Draws for several matches in the opposite order."""

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        return super().draw(layout, r, generator)

    def draw_together(self, layout: Layout, r: int, generator: torch.Generator, count: int) -> Draw:
        return tuple(tensor.flip(0) for tensor in super().draw_together(layout, r, generator, count))


class MutatesItsInput(Cosine):
    """Scales its sources in place."""

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        src /= src.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        return super().scores(src, dst)


class SizeDependsOnData(GridMatcher):
    """Removes tokens only where they resemble each other less than they could."""

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        alike = bool(features.std() < 1e-3)
        return super().match(features, draw, r - alike if r > 1 else r, similarity, memory)


class SamplesTalk(Cosine):
    """Compares what differs from the mean of the batch."""

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return super().scores(src - src.mean(dim=0) / 2, dst)


class NaNSpreads(Cosine):
    """Centres by a sum that cancels, unless there is a NaN in it."""

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return super().scores(src, dst) + 0 * src.float().sum(dim=(1, 2), keepdim=True)


class NotInFloat32(Cosine):
    """Returns scores in the dtype of the features."""

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return super().scores(src, dst).to(src.dtype)


class CountsSources(Cosine):
    """Scores lower the more sources there are."""

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return super().scores(src, dst) - 0.1 * src.shape[1]


class OffByOne(GridMatcher):
    """Removes one token less than it was asked to."""

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        return super().match(features, draw, max(1, r - 1), similarity, memory)

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        return super().draw(layout, max(1, r - 1), generator)


class ScoresAllPairs(GridMatcher):
    """Makes a matrix of all tokens by all tokens on the way."""

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        positions = torch.arange(features.shape[1], dtype=torch.int8)
        positions[:, None] + positions
        return super().match(features, draw, r, similarity, memory)


class LikesBrokenTokens(GridMatcher):
    """Takes NaN for the best of all scores."""

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        return super().match(features, draw, r, NAN_IS_BEST, memory)


class _NaNIsBest(Cosine):
    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return super().scores(src, dst).nan_to_num(nan=2.0)


NAN_IS_BEST = _NaNIsBest()


@dataclass(frozen=True)
class PlansMoreThanItSays(EveryStep):
    """Removes more in the last step.

    Attributes:
        ratio: share of the image tokens that is removed.
    """

    ratio: float = 0.5

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        plan = super().plan(step, steps, site, matches)
        return replace(plan, ratio=self.ratio + 0.01 * (step == steps - 1))


class KeepsState(Copy):
    """Damps the removed tokens by the mean of all that it ever recovered, but the first time."""

    def __init__(self) -> None:
        self.__dict__["seen"] = None

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, *rest: Any) -> torch.Tensor:
        full, seen = reduction.unmerge(kept), self.__dict__["seen"]
        if seen is None:
            self.__dict__["seen"] = full
            return full
        return torch.where(reduction.is_kept[..., None], full, full + seen)


class WrongType(Copy):
    """Recovers in float32."""

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, *rest: Any) -> torch.Tensor:
        return super().recover(kept, reduction, memory, *rest).float()


class ChangesKeptTokens(Copy):
    """Damps all outputs."""

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, *rest: Any) -> torch.Tensor:
        return 0.9 * super().recover(kept, reduction, memory, *rest)


class UndeclaredMemory(parts.Cached):
    """Puts a tensor of its own into the memory."""

    def observe(self, output: torch.Tensor, memory: Memory, *rest: Any) -> None:
        memory["output"].copy_(output)
        memory["again"] = output.clone()


class KeepsAReference(parts.Cached):
    """Remembers the tensor that it was handed, in place of its values."""

    def observe(self, output: torch.Tensor, memory: Memory, *rest: Any) -> None:
        memory["output"] = output


def explains_nothing(*, ratio: float = 0.5) -> Method:
    """Reduce."""
    return every_step(ratio)


def ignores_its_ratio(*, ratio: float = 0.5) -> Method:
    """Reduce, and never less than a quarter.

    Args:
        ratio: share of the image tokens that is removed.
    """
    return every_step(max(ratio, 0.25))


def removes_too_much_of_many(*, ratio: float = 0.5) -> Method:
    """Reduce, and more than it says at great ratios.

    Args:
        ratio: share of the image tokens that is removed.
    """
    scheduler = PlansMoreThanItSays(ratio) if ratio > 0.5 else EveryStep(ratio)
    matcher = GridMatcher(stride=(4, 4))
    return Method(similarity=Cosine(), matcher=matcher, scheduler=scheduler, recovery=Copy())


def every_step(ratio: float) -> Method:
    return Method(similarity=Cosine(), matcher=GridMatcher(), scheduler=EveryStep(ratio), recovery=Copy())


CALL = "x: image -> image"
BLOCKS = Stack(
    "blocks",
    call=CALL,
    attention=(Attention("attn", CALL, rotary="angles"),),
    mlp="mlp",
    rows={"angles": "b image d"},
)
ROTARY = Family("rotary", ("tokred.RotaryTransformer",), patches("x", 2), (BLOCKS,), picture="x", repeats=False)
"""Describes tokred's example model, and is right."""
FORGETS_ROPE = replace(ROTARY, stacks=(replace(BLOCKS, rows={}, stays=("angles",)),))
"""Leaves rotary positions where they are."""
MISCOUNTS_TEXT = replace(FLUX, text=lambda model, arguments: 3)
"""Says that there are three tokens of text, however many there are."""


def _preventing_removal(model: nn.Module, arguments: Mapping[str, Any]) -> Any:
    """Wrap a forward of its own around each module that tokred has patched."""
    for module in model.modules():
        patched = module.__dict__.get("forward")
        if patched is not None and not hasattr(patched, "wrapped"):
            module.forward = _wrapped(patched)
    return DIT.grid(model, arguments)


PREVENTS_REMOVAL = replace(DIT, grid=_preventing_removal)


def _wrapped(patched: Any) -> Any:
    hidden = [patched]  # nobody follows a list

    def forward(*args: Any, **kwargs: Any) -> Any:
        return hidden[0](*args, **kwargs)

    forward.wrapped = True  # type: ignore[attr-defined]
    return forward


class CountsRecoveries(Copy):
    """Works otherwise at every second call: after a generation that was aborted between the two."""

    def __init__(self) -> None:
        self.__dict__["calls"] = 0

    def recover(self, kept: torch.Tensor, reduction: Reduction, memory: Memory, *rest: Any) -> torch.Tensor:
        self.__dict__["calls"] += 1
        return super().recover(kept, reduction, memory, *rest) * (1 + self.__dict__["calls"] % 2)


def upset_by_exceptions() -> Method:
    """Reduce with a recovery that counts its calls."""
    return Method(similarity=Cosine(), matcher=GridMatcher(), scheduler=EveryStep(0.5), recovery=CountsRecoveries())
