"""The model itself as a site: called, or skipped; its output of tokens that are removed throughout is recovered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tokred.engine.base_site import BaseSite
from tokred.engine.ledger import Ledger
from tokred.engine.matching import in_one
from tokred.engine.returned import Returned
from tokred.engine.sharing import MatchGroup
from tokred.engine.site import Site
from tokred.engine.state import SiteState
from tokred.engine.together import Together
from tokred.errors import UnsupportedModel
from tokred.family.site import SiteSpec
from tokred.interfaces import Forward, MemorySpec, Plan, SiteInfo, Time
from tokred.layout import Layout
from tokred.method import Method
from tokred.reduction import Reduction


class ModelSite(BaseSite):
    """Runs in place of the model's forward; at ratio 1 what it returns is recalled, and nothing in it is called.

    Whatever a model returns is remembered as it is. Where sites match by what the model returned, it offers them that,
    with a row per token, and follows their correspondences.

    Args:
        spec, info, method, group, ledger: see `BaseSite`; the group is never matched.
        sites: all sites at work.
    """

    def __init__(
        self,
        spec: SiteSpec,
        info: SiteInfo,
        method: Method,
        group: MatchGroup,
        sites: Sequence[BaseSite],
        ledger: Ledger,
    ) -> None:
        super().__init__(spec, info, method, group, ledger)
        self.followed = method.follows_model
        self.sites = sites
        self.given: torch.Tensor | list[torch.Tensor] | None = None
        self.reset()

    def memory_specs(self, batch: int, layout: Layout) -> dict[str, MemorySpec]:
        """See `BaseSite`; what the model returned is apart, in `SiteState.returned`."""
        shape = batch, layout.image, self.spec.width
        return {"rows": {"rows": shape}} if self.followed else {}

    def promised_memory(self, batch: int, layout: Layout) -> dict[str, MemorySpec]:
        """See `BaseSite`; with what the model will return.

        Raises:
            UnsupportedModel: if nothing says how much that is.
        """
        if not self.spec.width or not layout.image:
            raise UnsupportedModel(
                f"Nothing says how much {type(self.spec.module).__name__} returns, so its memory is not known before a "
                "generation. Name `projection` in the family's description, or measure a generation."
            )
        returned = self.method.recovery_of_model.state_spec((batch, layout.image, self.spec.width))
        return self.memory_specs(batch, layout) | {"returned": returned}

    def prepare(self, plan: Plan, state: SiteState, time: Time, makes: bool = False) -> None:
        """See `BaseSite`; a call in which other sites reduce is not skipped, nor remembered as dense."""
        super().prepare(plan, state, time, makes)
        self.active = True

    def prepare_dense(self) -> None:
        """See `BaseSite`."""
        super().prepare_dense()
        self.active = False

    def run(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """See `BaseSite`."""
        if self.skipping:
            result = self.recall()
            self._note(result)
            return result
        if not (self.active and self.followed):
            return forward(*args, **kwargs)
        self._offer()
        result = forward(*args, **kwargs)
        reduction = self._followed() if self.reducing else None
        if reduction is not None:
            result = self._of_one_branch.recover(result, reduction, self.time)
        self._note(result)
        return result

    @property
    def remembers(self) -> bool:
        """Whether a call before this one was remembered."""
        return self.state.seen > 1

    def recall(self) -> Any:
        """Return what the model would have returned, had it been skipped."""
        return self._returned.recall(self.time)

    def observe(self, result: Any) -> None:
        """Remember what the model returned; called once it has, outside of compiled code."""
        left = not self.reducing or (self.followed and self._followed() is None)
        if self.active and not self.skipping and left:
            self._returned.observe(result, self.time)

    @property
    def _returned(self) -> Returned | Together:
        assert self.state.returned is not None, "the planner makes one for a site that is a model"
        return self.state.returned

    @property
    def _of_one_branch(self) -> Returned:
        assert isinstance(self._returned, Returned), "branches are remembered apart where nothing follows the model"
        return self._returned

    def features(self, state: SiteState, time: Time) -> torch.Tensor:
        """Return what sites would match by in a call that is planned, `[B, N, C]`, as `make_match` sees it."""
        offered = self._offered(state, time)
        site = next(site for site in self.sites if site.probe is not None)
        assert site.probe is not None
        site.probe.expect(True)
        site.probe.offer(offered)
        features = site.probe.features(offered.flatten(2), None, {}, time)
        return features if site.group.per_sample else in_one(features)

    def _offer(self) -> None:
        """Hand what they match by to the sites that match by what the model returned."""
        offered = self._offered(self.state, self.time)
        for site in self.sites:
            if site.probe is not None:
                site.probe.offer(offered)

    def _offered(self, state: SiteState, time: Time) -> torch.Tensor:
        """Return what the model returned last, or the clean picture that it foresees, `[B, N, C, P]`."""
        rows = state.memories["rows"]["rows"]
        assert isinstance(state.returned, Returned), "branches are remembered apart where nothing follows the model"
        if self.method.similarity.signal.of_clean:
            rows = self._foreseen(rows, state, time)
        return rows.view(*rows.shape[:2], -1, state.returned.pixels)

    def _foreseen(self, rows: torch.Tensor, state: SiteState, time: Time) -> torch.Tensor:
        """Return the clean picture that outputs `[B, N, C]` foresee, and pictures that were given as they are."""
        assert isinstance(state.returned, Returned)
        given = state.returned.picture(self.given)
        if given.shape != rows.shape:
            raise UnsupportedModel(
                f"signal='clean' is the model's input less its output, and {self.spec.name} is given rows of "
                f"{tuple(given.shape)} and returns {tuple(rows.shape)}. Use another signal, such as 'model_output'."
            )
        drawn = torch.zeros(rows.shape[1], 1, device=rows.device)
        drawn[list(state.layout.places("target"))] = 1
        return given - time.noise * drawn * rows

    def _followed(self) -> Reduction | None:
        """Return the correspondences of a site that reduced by what the model returned; they are those of all."""
        sites = [site for site in self.sites if isinstance(site, Site)] if self.followed else []
        return next((site.state.match.reduction for site in sites if site.called and site.reducing), None)

    @torch.no_grad()
    def _note(self, result: Any) -> None:
        """Remember what is returned, with a row per token, for the sites that match by it."""
        if self.followed:
            self.state.memories["rows"]["rows"].copy_(self._of_one_branch.picture(result))
