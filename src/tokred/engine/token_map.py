"""Where tokens were removed, step by step, as maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import torch
from einops import rearrange

from tokred.layout import Grid

if TYPE_CHECKING:
    from tokred.engine.report import Report
    from tokred.engine.run import Run


@dataclass(frozen=True)
class TokenMap:
    """The tokens of one picture that one site computed at one step.

    Attributes:
        step: index of the denoising step.
        site: name of the site.
        kept: whether each token was computed, `[h, w]`, bool; of a video its frames side by side, `[h, f * w]`.
    """

    step: int
    site: str
    kept: torch.Tensor

    @property
    def partial(self) -> bool:
        """Whether some tokens were computed and others were not."""
        return bool(self.kept.any()) and not bool(self.kept.all())

    def over(self, picture: torch.Tensor) -> torch.Tensor:
        """Return `picture` `[3, H, W]` with the removed tokens dark; same shape."""
        light = torch.where(self.kept, 1.0, 0.15)[None, None]
        return picture * torch.nn.functional.interpolate(light, size=tuple(picture.shape[-2:]), mode="nearest")[0]


def token_map(run: Run, step: int | None = None) -> TokenMap | None:
    """Return what the middle one of a run's sites computed in its last generation, for the first sample of the batch.

    In a sequence of several pictures the first one is shown.

    Args:
        run: what `tokred.apply` returned.
        step: index of the denoising step; by default the last one at which a part of the tokens was removed.

    Returns:
        None where there was no such step, or the model has no grid of tokens.

    Examples:
        >>> shown = token_map(run)  # doctest: +SKIP
        >>> shown.over(picture)  # the picture, with the removed tokens dark  # doctest: +SKIP
    """
    maps = run.report().token_maps
    fitting = [each for each in maps if (each.partial if step is None else each.step == step)]
    return fitting[-1] if fitting else None


def maps_of(report: Report) -> Iterator[TokenMap]:
    """Yield what one site computed, a map for each step: the site that the report knows the kept tokens of, or any."""
    sites = [call.site for call in report.calls]
    sites = [call.site for call in report.calls]
    names = [each.name for each in sites if each.kind != "model"] or [each.name for each in sites]
    site = report.kept[-1].site if report.kept else names[len(names) // 2] if names else ""
    seen: set[int] = set()
    for call in report.calls:
        step, layout = call.position.step, call.layout
        if call.site.name != site or step in seen or not layout.grids:
            continue
        seen.add(step)
        kept = torch.ones(layout.image, dtype=torch.bool)
        if call.removed:
            kept.zero_()
        if 0 < call.removed < layout.image:
            places = [each.places for each in report.kept if each.step <= step and each.site == site]
            if not places or max(places[-1]) >= len(kept):
                continue  # of a generation that was left in the middle
            kept[list(places[-1])] = True
        yield TokenMap(step, site, as_map(kept[: prod(layout.grids[0])], layout.grids[0]))


def as_map(x: torch.Tensor, grid: Grid) -> torch.Tensor:
    """Arrange the tokens of a grid, the last axis, as a picture `[..., h, w]`; the frames of a video side by side."""
    h, w = grid[-2:]
    return rearrange(x, "... (f h w) -> ... h (f w)", h=h, w=w)
