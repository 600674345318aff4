"""The model itself as a site: called, or skipped; its output of tokens that are removed throughout is recovered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tokred.adapter import SiteSpec
from tokred.engine.arguments import Arguments
from tokred.engine.base_site import BaseSite
from tokred.engine.sharing import MatchGroup
from tokred.engine.site import Site
from tokred.engine.state import SiteState
from tokred.interfaces import Forward, MemorySpec, Plan, Recovery, SiteInfo
from tokred.layout import Layout
from tokred.method import Method
from tokred.reduction import Reduction


class ModelSite(BaseSite):
    """Runs in place of the model's forward; at ratio 1 its output is recalled, and nothing in it is called.

    Where sites match by what the model returned, it offers them that, and follows their correspondences.

    Args:
        spec, info, method, group: see `BaseSite`; the group is never matched.
        picture: the argument that holds the picture or latents.
        sites: all sites at work.
    """

    def __init__(
        self,
        spec: SiteSpec,
        info: SiteInfo,
        method: Method,
        group: MatchGroup,
        picture: str,
        sites: Sequence[BaseSite],
    ) -> None:
        super().__init__(spec, info, method, group)
        self.recovery: Recovery = method.recovery
        self.followed = method.follows_model
        self.picture = picture
        self.sites = sites
        self.kind: type = tuple
        self.reset()

    def memory_specs(self, batch: int, layout: Layout) -> dict[str, MemorySpec]:
        """See `BaseSite`; what is remembered is the model's output."""
        shape = batch, layout.image, self.spec.width
        returned: dict[str, MemorySpec] = {"returned": {"rows": shape}} if self.followed else {}
        return {"output": self.recovery.state_spec(shape), **returned}

    def prepare(self, plan: Plan, state: SiteState, time: torch.Tensor, makes: bool = False) -> None:
        """See `BaseSite`; a call in which other sites reduce is not skipped, nor remembered as dense."""
        super().prepare(plan, state, time, makes)
        self.skipping = plan.skips
        self.active = True

    def reset(self) -> None:
        """See `BaseSite`."""
        super().reset()
        self.active = False

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do what the last `prepare` said."""
        self.called = True
        if self.skipping:
            return self._recall(Arguments(self.names, args, kwargs)[self.picture])
        if not self.active:
            return forward(*args, **kwargs)
        if self.followed:
            self._offer()
        result = forward(*args, **kwargs)
        self.kind = type(result)
        reduction = self._followed() if self.reducing else None
        if reduction is not None:
            return self._recover(result[0], reduction)
        if self.followed or not self.reducing:
            self._observe(self._rows(result[0]))
        return result

    def _offer(self) -> None:
        """Hand what the model returned last to the sites that match by it."""
        for site in self.sites:
            if site.probe is not None:
                site.probe.offer(self.state.memories["returned"]["rows"])

    def _followed(self) -> Reduction | None:
        """Return the correspondences of a site that reduced by what the model returned; they are those of all."""
        sites = [site for site in self.sites if isinstance(site, Site)] if self.followed else []
        return next((site.state.match.reduction for site in sites if site.called and site.reducing), None)

    @torch.no_grad()
    def _observe(self, rows: torch.Tensor) -> None:
        """Remember an output `[B, N, C]`."""
        self.recovery.observe(rows, self.state.memories["output"], self.time, None)
        self._note(rows)

    @torch.no_grad()
    def _note(self, rows: torch.Tensor) -> None:
        """Remember what is returned, `[B, N, C]`, for the sites that match by it."""
        if self.followed:
            self.state.memories["returned"]["rows"].copy_(rows)

    def _recover(self, output: torch.Tensor, reduction: Reduction) -> Any:
        """Return `output` with that of removed tokens recovered."""
        kept = reduction.merge(self._rows(output))
        full = self.recovery.recover(kept, reduction, self.state.memories["output"], self.time)
        self._note(full)
        return self._result(full, output)

    def _recall(self, picture: torch.Tensor) -> Any:
        """Return what the model would, in the axes of `picture`: `[B, C, H, W]` or `[B, N, C]`."""
        rows = self.recovery.recall(self.state.memories["output"], self.time)
        self._note(rows)
        return self._result(rows.to(picture.dtype, copy=True), picture)

    def _rows(self, output: torch.Tensor) -> torch.Tensor:
        """Return what the model returned with a row per token, `[B, N, C]`: C its channels, in each its pixels."""
        if output.ndim == 3:
            return output
        (h, w), (b, c, y, x) = self.state.layout.grids[0], output.shape
        cells = output.reshape(b, c, h, y // h, w, x // w)
        return cells.permute(0, 2, 4, 1, 3, 5).reshape(b, h * w, -1)

    def _result(self, rows: torch.Tensor, like: torch.Tensor) -> Any:
        """Return `rows` `[B, N, C]` as the model would, in the axes of `like`."""
        if like.ndim == 4:
            (h, w), (b, _, y, x) = self.state.layout.grids[0], like.shape
            cells = rows.reshape(b, h, w, -1, y // h, x // w)
            rows = cells.permute(0, 3, 1, 4, 2, 5).reshape(b, -1, y, x)
        return (rows,) if self.kind is tuple else self.kind(rows)
