"""The tokens on their way from block to block, where they get fewer for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tokred.arguments import Arguments
from tokred.engine.base_site import BaseSite
from tokred.engine.matching import make_match
from tokred.engine.outputs import token_output
from tokred.engine.patch import Stand
from tokred.engine.rows import check_arguments
from tokred.engine.sharing import MatchGroup
from tokred.engine.state import SiteState
from tokred.errors import UnsupportedModel
from tokred.family.site import SiteSpec, StreamModules
from tokred.family.spans import lead
from tokred.interfaces import Forward, Place, Plan, Probe, SiteInfo
from tokred.method import Method
from tokred.reduction import Reduction, take_rows


class Stream:
    """What the image tokens of one model call stand for, handed from site to site.

    Attributes:
        sizes: how many of the picture's tokens each one stands for, `[B or 1, n]`, float32; None before any is removed.
        places: where in the picture each one was, `[B or 1, n]`, int64; None likewise.
        assign: for each of the picture's N tokens, the place of the one that stands for it, `[B or 1, N]`, int64; None
            likewise.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin a model call."""
        self.sizes: torch.Tensor | None = None
        self.places: torch.Tensor | None = None
        self.assign: torch.Tensor | None = None

    def shorten(self, reduction: Reduction) -> None:
        """Follow the tokens through a reduction."""
        self.sizes = reduction.pool_sizes(self.sizes)
        self.places = reduction.kept if self.places is None else _pick(self.places, reduction.kept)
        self.assign = reduction.assign if self.assign is None else _pick(reduction.assign, self.assign)

    def restore(self, tokens: torch.Tensor, lead: int) -> torch.Tensor:
        """Give each of the picture's tokens the row of the one that stands for it: `[B, lead + N, C]`."""
        if self.assign is None:
            return tokens
        return torch.cat([tokens[:, :lead], take_rows(tokens[:, lead:], self.assign)], dim=1)

    def bias(self, lead: int, dtype: torch.dtype) -> torch.Tensor | None:
        """Return what makes a key count as often as its token stands for, `[B or 1, 1, 1, lead + n]`: log sizes."""
        if self.sizes is None:
            return None
        return torch.nn.functional.pad(self.sizes.log(), (lead, 0))[:, None, None].to(dtype)


def _pick(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Pick the `places` `[B or 1, M]` of `values` `[B or 1, N]`."""
    rows = max(len(values), len(places))
    return values.expand(rows, -1).gather(1, places.expand(rows, -1))


class Mute:
    """Stands around the two modules of half a block; while it is `on`, the half leaves every token as it is.

    The norm then passes on one token, and the branch makes zeros of it, which are added to all.
    """

    on = False

    def norm(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Normalise, or pass on the first token `[B, 1, C]`."""
        return args[0][:, :1] if self.on else forward(*args, **kwargs)

    def branch(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute, or make zeros `[B, 1, C]`."""
        return torch.zeros_like(args[0]) if self.on else forward(*args, **kwargs)


class StreamSite(BaseSite):
    """Runs in place of a block's forward, and returns fewer tokens than it is given.

    They are removed between the block's halves: after attention has been added to them, before the MLP. The forward
    there is the block's own, called twice: on all tokens with the MLP muted, on those that are left with the attention
    muted. So nothing of it is copied, and layer scales and dropped paths are in it as ever.

    Args:
        attention: the block's attention, of which only the record is kept here.
        spec: the block from its MLP on.
        info, method, group: see `BaseSite`.
        place: the site, as the method's signal sees it.
        stream: follows the tokens; that of all the model's sites.
        on_unplanned: is told, with the reason, of a call that runs dense instead of as planned.
    """

    def __init__(
        self,
        attention: SiteSpec,
        spec: SiteSpec,
        info: SiteInfo,
        method: Method,
        group: MatchGroup,
        place: Place,
        stream: Stream,
        on_unplanned: Callable[[str, str], None],
    ) -> None:
        super().__init__(spec, info, method, group)
        self.probe: Probe = method.similarity.signal.probe(place)
        self.attention = attention
        self.stream = stream
        self.on_unplanned = on_unplanned
        self.merge = method.merge_at(info)
        self.weighs = method.keys == "weighted"
        assert spec.stream is not None, "such sites are made of blocks that have one"
        self.parts: StreamModules = spec.stream
        self.restores = self.parts.pooled and info.depth == info.blocks - 1
        self.mutes = (Mute(), Mute())
        self.reset()

    @property
    def inside(self) -> list[Stand]:
        """What stands around the modules of the block's halves."""
        pairs = zip(self.parts.halves, self.mutes, strict=True)
        return [
            Stand(module, around)
            for (norm, branch), mute in pairs
            for module, around in ((norm, mute.norm), (branch, mute.branch))
        ]

    def prepare(self, plan: Plan, state: SiteState, time: torch.Tensor, makes: bool = False) -> None:
        """See `BaseSite`."""
        super().prepare(plan, state, time, makes)
        self.stream.restart()
        for mute in self.mutes:
            mute.on = False
        self.probe.expect(self.reducing)

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do what the last `prepare` said."""
        self.called = True
        shortened = self.stream.sizes is not None
        weighing, restoring = self.weighs and shortened, self.restores and shortened
        if not (self.reducing or weighing or restoring):
            return forward(*args, **kwargs)
        call = Arguments(self.names, args, kwargs)
        tokens: torch.Tensor = call[self.spec.call.tokens]
        if len(tokens) != self.state.batch or not self.spec.fits(tokens.shape[1], self.state.layout):
            self.on_unplanned(self.spec.name, f"it was called with a part of the tokens, {list(tokens.shape[:2])}")
            return forward(*args, **kwargs)
        self.lead = lead(self.spec.call.order, tokens.shape[1], self.state.layout.image)
        self._refuse_rows(call)
        if weighing and self.parts.bias is not None:
            call[self.parts.bias] = self.stream.bias(self.lead, tokens.dtype)
        result = self._reduce(forward, call) if self.reducing else forward(*call.args, **call.kwargs)
        return self.stream.restore(token_output(self.spec, result), self.lead) if self.restores else result

    def _refuse_rows(self, call: Arguments) -> None:
        check_arguments(self.spec, call, self.state.batch, self.state.layout, apart=False)
        for rows in self.spec.rows:
            if call.get(rows.argument) is not None:
                raise UnsupportedModel(
                    f"{self.spec.name} was given {rows.argument!r}, which has a row per token and does not get "
                    "shorter with them. Call the model without it, or use a method of full length, such as 'tomesd'."
                )

    def _reduce(self, forward: Forward, call: Arguments) -> Any:
        """Call the first half on all tokens and the second on those that are left."""
        after = token_output(self.spec, self._muting(1, forward, call))
        image = after[:, self.lead :]
        features = self.probe.features(image, None, self.state.memories, self.time)
        make_match(self.group, self.method, self.state.match, features)
        reduction = self.state.match.reduction
        assert reduction is not None
        merged = reduction.merge(image, self.merge, self.stream.sizes)
        self.stream.shorten(reduction)
        self.state.kept = self.stream.places
        call[self.spec.call.tokens] = torch.cat([after[:, : self.lead], merged], dim=1) if self.lead else merged
        if self.weighs and self.parts.bias is not None:
            call[self.parts.bias] = None
        return self._muting(0, forward, call)

    def _muting(self, half: int, forward: Forward, call: Arguments) -> Any:
        """Call the original without one of its halves."""
        self.mutes[half].on = True
        try:
            return forward(*call.args, **call.kwargs)
        finally:
            self.mutes[half].on = False
