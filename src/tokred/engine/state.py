"""What a site remembers from call to call."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from tokred.interfaces import Draw, Matcher, Memory
from tokred.layout import Layout
from tokred.reduction import Reduction


@dataclass
class SiteState:
    """What a site remembers within one generation and guidance branch.

    Attributes:
        batch: number of samples, B.
        layout: the layout that it was made for.
        removed: number of tokens that the correspondences remove.
        matcher: makes the last match that was planned; None where that is the method's.
        draw: what the matcher drew, on the model's device.
        redrawn: whether it drew anew for the last match.
        matched: whether a match has been planned.
        seen: number of calls that were planned to compute all tokens.
        reduction: the correspondences; None before the first match has run.
        kept: positions of the tokens that they keep among the picture's, `[B or 1, K]`; None likewise.
        pmr: pair match ratio of the last match with the one before it, a tensor; None where it drew anew.
        match_memory: the matcher's tensors.
        memories: what the recoveries remember, by what of: see `Site.remembered`.
    """

    batch: int
    layout: Layout
    removed: int = 0
    matcher: Matcher | None = None
    draw: Draw = ()
    redrawn: bool = True
    matched: bool = False
    seen: int = 0
    reduction: Reduction | None = None
    kept: torch.Tensor | None = None
    pmr: torch.Tensor | None = None
    match_memory: Memory = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
