"""Promises of a matcher."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tokred.engine.drawing import draws_together
from tokred.interfaces import Memory, Trained
from tokred.layout import Layout
from tokred.parts import Cosine
from tokred.reduction import Reduction
from tokred.testing.check import Specimen, Stage, demand
from tokred.testing.data import LAYOUT, features

LAYOUTS = (
    LAYOUT,
    Layout(grids=((5, 7),), prefix=1),
    Layout(grids=((4, 4), (3, 6)), text=3),
    Layout(grids=((3, 4, 6),)),
    Layout(grids=((11, 13), (5, 7)), roles=("target", "reference")),
)
ROOMY = LAYOUTS[-1]
"""Has several whole cells of any usual stride."""
LARGE = Layout(grids=((96, 96),))
MANY_BYTES = 2**25
"""More than any tensor takes whose size is linear in the tokens of `LARGE`, and a tenth of all scores of pairs."""


def matcher_stages(specimen: Specimen) -> list[Stage]:
    """Match twice, with the same memory."""
    return [Stage("match", features(channels=channels_of(specimen.make())), _perform)]


def channels_of(part: Any, usual: int = 8) -> int:
    """Return how many channels a matcher's features are to have: those that it was trained on, if it was."""
    return part.width if isinstance(part, Trained) else usual


def _perform(part: Any, x: torch.Tensor, compiled: bool) -> torch.Tensor:
    """Return whom each token of `x` `[B, N, C]` follows, `[B, N]`."""
    r = some(part.capacity(LAYOUT))
    match = torch.compile(part.match, fullgraph=True, backend="eager") if compiled else part.match
    draw, memory = part.draw(LAYOUT, r, torch.Generator().manual_seed(0)), memory_for(part, x)
    for _ in range(2):
        made: Reduction = match(x, draw, r, Cosine(), memory)
    return made.follows.expand(len(x), -1)


def some(capacity: int) -> int:
    """Return a number of tokens to remove that leaves a choice."""
    return max(1, capacity * 2 // 3)


def memory_for(part: Any, x: torch.Tensor) -> Memory:
    """Make the memory that a matcher declares for features `[B, N, C]`."""
    return {name: torch.zeros(shape) for name, shape in part.state_spec((x.shape[0], x.shape[1])).items()}


def match(part: Any, layout: Layout, r: int, x: torch.Tensor) -> Reduction:
    """Match features `x` `[B, N, C]` as the engine does, for the first time in a generation."""
    draw = part.draw(layout, r, torch.Generator().manual_seed(0))
    made: Reduction = part.match(x, draw, r, Cosine(), memory_for(part, x))
    return made


def _matches(specimen: Specimen, x_of: Any = features) -> Iterator[tuple[str, int, int, Reduction]]:
    """Match features `x_of(B, N, C)` on every layout; yield a description, N, r and what came of it."""
    for layout in LAYOUTS:
        part = specimen.make()
        capacity = part.capacity(layout)
        demand(0 <= capacity < layout.image, f"capacity({layout}) is {capacity}, not in [0, {layout.image}).")
        for r in sorted({1, some(capacity), capacity} - {0}) if capacity else ():
            made = match(part, layout, r, x_of(2, layout.image, channels_of(part)))
            yield f"r={r} on {layout.grids}", layout.image, r, made


def removes_exactly_r(specimen: Specimen) -> None:
    """Of N tokens N - r are kept, for every r up to the layout's capacity; `max_ratio` is a share."""
    part = specimen.make()
    demand(0 <= part.max_ratio <= 1, f"max_ratio is {part.max_ratio}, not in [0, 1].")
    demand(part.capacity(LAYOUT) > 0, f"it can remove nothing on a grid of {LAYOUT.grids[0]}.")
    for what, tokens, r, made in _matches(specimen):
        demand(made.tokens == tokens, f"{what}: the reduction is of {made.tokens} tokens, not {tokens}.")
        demand(made.computed == tokens - r, f"{what}: {tokens - made.computed} tokens were removed.")


def sizes_follow_from_r_alone(specimen: Specimen) -> None:
    """The number of kept tokens does not depend on features, and matching compiles into one graph."""
    usual = [made.computed for *_, made in _matches(specimen)]
    for name, x_of in {"equal": torch.ones, "zero": torch.zeros}.items():
        sizes = [made.computed for *_, made in _matches(specimen, x_of)]
        demand(sizes == usual, f"where all tokens are {name}, {sizes} are kept, else {usual}.")
    stage = matcher_stages(specimen)[0]
    compiled, plain = stage.play_compiled(specimen.make()), stage.play(specimen.make())
    demand(torch.equal(compiled, plain), "compiled, it matches otherwise.")


def reductions_are_valid(specimen: Specimen) -> None:
    """Kept positions differ, every token follows a kept one, kept ones follow themselves, and sizes count them."""
    for value in (1.0, 0.0, torch.nan, torch.inf):
        for what, tokens, _, made in _matches(specimen, functools.partial(_with_broken, value)):
            what = f"{what}, some features {value}"
            kept, assign, places = made.kept, made.assign, torch.arange(made.computed)
            demand(kept.dtype == assign.dtype == torch.int64, f"{what}: positions are {kept.dtype}, not int64.")
            inside = bool((kept >= 0).all() and (kept < tokens).all())
            different = bool((kept.sort(dim=1).values.diff(dim=1) > 0).all())
            demand(inside and different, f"{what}: `kept` does not hold different positions in [0, {tokens}).")
            demand(bool((assign >= 0).all() and (assign < made.computed).all()), f"{what}: `assign` leaves `kept`.")
            demand(bool((assign.gather(1, kept) == places).all()), f"{what}: a kept token follows another one.")
            counted = torch.stack([row.bincount(minlength=made.computed) for row in assign])
            demand(torch.equal(counted, made.sizes.expand_as(counted)), f"{what}: `sizes` does not count `assign`.")


def broken_tokens_attract_none(specimen: Specimen) -> None:
    """No token is removed into one of NaN while there is another to be removed into."""
    part = specimen.make()
    x = features(1, ROOMY.image, channels_of(part))
    for at in range(ROOMY.image):
        broken = x.clone()
        broken[0, at] = torch.nan
        made = match(part, ROOMY, some(part.capacity(ROOMY)), broken)
        followers = [i for i in (made.follows[0] == at).nonzero()[:, 0].tolist() if i != at]
        demand(not followers, f"token {at} holds NaN, and tokens {followers} were removed into it.")


def draws_together_what_it_draws_alone(specimen: Specimen) -> None:
    """Where a matcher can draw for several matches at once, it draws what it would for one after the other."""
    part = specimen.make()
    for layout in LAYOUTS if draws_together(part) else ():
        r, count = part.capacity(layout), 3
        if not r:
            continue
        together = part.draw_together(layout, r, torch.Generator().manual_seed(0), count)
        generator = torch.Generator().manual_seed(0)
        for place in range(count):
            alone = part.draw(layout, r, generator)
            same = len(alone) == len(together) and all(
                torch.equal(one, many[place]) for one, many in zip(alone, together, strict=True)
            )
            demand(same, f"on {layout.grids}, draw {place} of {count} at once is not what `draw` returns.")


def memory_is_linear(specimen: Specimen) -> None:
    """No tensor of all pairs is ever made: matching 9,216 tokens takes memory that is linear in their number."""
    part = specimen.make()
    x = features(1, LARGE.image, channels_of(part, usual=4))
    with _Largest() as largest:  # type: ignore[no-untyped-call]
        match(part, LARGE, some(part.capacity(LARGE)), x)
    demand(
        largest.bytes <= MANY_BYTES,
        f"{LARGE.image} tokens took a tensor of {largest.bytes / 2**20:.0f} MB. tokred.parts.best_destinations scores "
        "a few sources at a time.",
    )


def _with_broken(value: float, batch: int, tokens: int, channels: int) -> torch.Tensor:
    x = features(batch, tokens, channels)
    x[0, ::3] = value
    return x


class _Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the largest tensor that is made, in bytes."""

    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, torch.Tensor):
                self.bytes = max(self.bytes, tensor.untyped_storage().nbytes())
        return made
