"""Drawing what matchers choose at random, for all the matches of a model call at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple, TypeGuard

import torch

from tokred.engine.state import MatchState
from tokred.interfaces import Draw, DrawsTogether, Matcher
from tokred.layout import Layout


class Wanted(NamedTuple):
    """A draw that a match of the next model call needs."""

    state: MatchState
    matcher: Matcher
    layout: Layout
    removed: int


def draw_all(wanted: list[Wanted], generator: torch.Generator, device: torch.device) -> None:
    """Draw for each match in turn, and put it on the device; alike ones that follow each other share a copy to it."""
    for _, run in groupby(wanted, lambda want: (id(want.matcher), want.layout, want.removed)):
        alike = list(run)
        for want, draw in zip(alike, _drawn(alike, generator, device), strict=True):
            want.state.draw = draw


def draws_together(matcher: Matcher) -> TypeGuard[DrawsTogether]:
    """Say whether a matcher draws for several matches at once; not one that inherits this, and draws in its own way."""
    if not isinstance(matcher, DrawsTogether):
        return False
    alone, together = (
        next(kind for kind in type(matcher).__mro__ if method in vars(kind)) for method in ("draw", "draw_together")
    )
    return alone is together


def _drawn(alike: list[Wanted], generator: torch.Generator, device: torch.device) -> Iterator[Draw]:
    """Make as many draws as there are of one matcher, layout and number of removed tokens."""
    _, matcher, layout, removed = alike[0]
    if draws_together(matcher):
        drawn = matcher.draw_together(layout, removed, generator, len(alike))
        return zip(*(_spread(tensor, device) for tensor in drawn), strict=True)
    one_by_one = (matcher.draw(layout, removed, generator) for _ in alike)
    return (tuple(tensor.to(device, non_blocking=True) for tensor in draw) for draw in one_by_one)


def _spread(tensor: torch.Tensor, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Return the rows of a tensor on the device; where all are the same, it is sent once.

    They are no views of it: compiled code would be made for its size and their places in it, too.
    """
    number = len(tensor)
    if number > 1 and tensor.stride(0) == 0:
        return (tensor[0].to(device, non_blocking=True).data,) * number
    rows = tensor.to(device, non_blocking=True).unbind()
    own = tuple(map(torch.empty_like, rows))
    torch._foreach_copy_(own, rows)
    return own
