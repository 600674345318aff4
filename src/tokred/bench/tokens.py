"""Where tokens were removed, as a map."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from einops import rearrange

from tokred.engine.run import Run
from tokred.layout import Grid


@dataclass(frozen=True)
class TokenMap:
    """The tokens of one picture that one site keeps.

    Attributes:
        site: name of the site.
        kept: whether each token is kept, `[h, w]`, bool; of a video its frames side by side, `[h, f * w]`.
    """

    site: str
    kept: torch.Tensor

    def over(self, picture: torch.Tensor) -> torch.Tensor:
        """Return `picture` `[3, H, W]` with the removed tokens dark; same shape."""
        light = torch.where(self.kept, 1.0, 0.15)[None, None]
        return picture * torch.nn.functional.interpolate(light, size=tuple(picture.shape[-2:]), mode="nearest")[0]


def token_map(run: Run) -> TokenMap | None:
    """Return what the middle one of a run's sites kept at its last match, for the first sample of the batch.

    None where no site has matched. In a sequence of several pictures the first one is shown.
    """
    kept_tokens = run.kept_tokens()
    if not kept_tokens:
        return None
    site = list(kept_tokens)[len(kept_tokens) // 2]
    layout = next(call.layout for call in run.report().calls if call.site.name == site)
    kept = torch.zeros(layout.image, dtype=torch.bool)
    kept[kept_tokens[site]] = True
    return TokenMap(site, as_map(kept[: prod(layout.grids[0])], layout.grids[0]))


def as_map(x: torch.Tensor, grid: Grid) -> torch.Tensor:
    """Arrange the tokens of a grid, the last axis, as a picture `[..., h, w]`; the frames of a video side by side."""
    h, w = grid[-2:]
    return rearrange(x, "... (f h w) -> ... h (f w)", h=h, w=w)
