"""The tokens on their way from block to block, where they get fewer for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from tokred.arguments import Arguments
from tokred.engine.base_site import BaseSite
from tokred.engine.ledger import Ledger
from tokred.engine.matching import make_match
from tokred.engine.outputs import token_output, with_outputs
from tokred.engine.patch import Stand
from tokred.engine.rows import RowIndex, check_arguments, gather_rows
from tokred.engine.sharing import MatchGroup
from tokred.engine.site_call import SiteRecord
from tokred.engine.state import SiteState
from tokred.errors import UnsupportedModel
from tokred.family.site import SiteSpec, StreamModules
from tokred.interfaces import Forward, Place, Plan, Probe, SiteInfo, Time
from tokred.method import Method
from tokred.reduction import Reduction, take_rows


class Stream:
    """What the image tokens of one model call stand for, handed from site to site.

    Attributes:
        sizes: how many of the picture's tokens each one stands for, `[B or 1, n]`, float32; None before any is removed.
        places: where in the picture each one was, `[B or 1, n]`, int64; None likewise.
        assign: for each of the picture's N tokens, the place of the one that stands for it, `[B or 1, N]`, int64; None
            likewise.
        open: whether it is not the model's own forward that calls the blocks, but something that wants their outputs.
        sites: those that it passes, in order.
    """

    def __init__(self) -> None:
        self.open = False
        self.sites: list[StreamSite] = []
        self.restart()

    def restart(self) -> None:
        """Begin a model call."""
        self.sizes: torch.Tensor | None = None
        self.places: torch.Tensor | None = None
        self.assign: torch.Tensor | None = None

    def join(self, site: StreamSite) -> list[Mapping[Any, Any]]:
        """Take up the next site; return the hooks that read what it returns, to which the next one adds its own."""
        module = site.spec.module
        if self.sites:
            self.sites[-1].hooks.append(module._forward_pre_hooks)
        self.sites.append(site)
        return [module._forward_hooks]

    def shorten(self, reduction: Reduction) -> None:
        """Follow the tokens through a reduction."""
        self.sizes = reduction.pool_sizes(self.sizes)
        self.places = reduction.kept if self.places is None else _pick(self.places, reduction.kept)
        self.assign = reduction.assign if self.assign is None else _pick(reduction.assign, self.assign)

    def restore(self, tokens: torch.Tensor, lead: int) -> torch.Tensor:
        """Give each of the picture's tokens the row of the one that stands for it: `[B, lead + N, C]`."""
        return tokens if self.assign is None else _behind(lead, tokens, self.assign)

    def shortened(self, tokens: torch.Tensor, lead: int) -> torch.Tensor:
        """Take those that stand for others out of tokens `[B, L, C]` that were restored; the inverse of `restore`."""
        if self.places is None or self.assign is None or tokens.shape[1] != lead + self.assign.shape[1]:
            return tokens
        return _behind(lead, tokens, self.places)

    def index(self, lead: int) -> RowIndex | None:
        """Return which of the picture's rows are left; None where all are."""
        if self.sizes is None or self.places is None or self.assign is None:
            return None
        return RowIndex(Reduction(self.places, self.assign), {}, lead)

    def bias(self, lead: int, dtype: torch.dtype) -> torch.Tensor | None:
        """Return what makes a key count as often as its token stands for, `[B or 1, 1, 1, lead + n]`: log sizes."""
        if self.sizes is None:
            return None
        return torch.nn.functional.pad(self.sizes.log(), (lead, 0))[:, None, None].to(dtype)


def _pick(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Pick the `places` `[B or 1, M]` of `values` `[B or 1, N]`."""
    rows = max(len(values), len(places))
    return values.expand(rows, -1).gather(1, places.expand(rows, -1))


def _behind(lead: int, tokens: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Pick rows `index` `[B or 1, M]` of those behind the first `lead` of `tokens` `[B, L, C]`, which stay."""
    picked = take_rows(tokens[:, lead:], index)
    return torch.cat([tokens[:, :lead], picked], dim=1) if lead else picked


class Mute:
    """Stands around the first and the last module of half a block; while it is `on`, the half adds nothing.

    The first then passes on one token, and the last makes zeros of it, which are added to all.

    Args:
        attention: the attention, where it is the last module.
    """

    def __init__(self, attention: SiteSpec | None) -> None:
        self.attention = attention
        self.on = False

    def first(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute, or pass on the first token `[B, 1, C]`."""
        return args[0][:, :1] if self.on else forward(*args, **kwargs)

    def last(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute, or make zeros `[B, 1, C]`."""
        if not self.on:
            return forward(*args, **kwargs)
        zeros = torch.zeros_like(args[0] if args else next(iter(kwargs.values())))
        return zeros if self.attention is None else with_outputs(self.attention, zeros, None)


class StreamSite(BaseSite):
    """Runs in place of a block's forward, and returns fewer tokens than it is given.

    They are removed between the block's halves: after attention has been added to them, before the MLP. The forward
    there is the block's own, called twice: on all tokens with the MLP muted, on those that are left with the attention
    muted. So nothing of it is copied, and layer scales and dropped paths are in it as ever.

    Args:
        attention: the block's attention, of which only the record is kept here.
        spec: the block from its MLP on.
        info, method, group, ledger: see `BaseSite`.
        place: the site, as the method's signal sees it.
        stream: follows the tokens; that of all the model's sites.
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
        ledger: Ledger,
    ) -> None:
        super().__init__(spec, info, method, group, ledger)
        self.probe: Probe = method.similarity.signal.probe(place)
        self.attention = attention
        self.before = SiteRecord.of(attention)
        self.stream = stream
        self.merge = method.merge_at(info)
        self.weighs = method.keys == "weighted"
        assert spec.stream is not None, "such sites are made of blocks that have one"
        self.parts: StreamModules = spec.stream
        self.pools = self.parts.pooled and info.depth == info.blocks - 1
        self.mutes = tuple(Mute(attention if last is attention.module else None) for _, last in self.parts.halves)
        self.hooks = stream.join(self)
        self.reset()

    @property
    def records(self) -> list[SiteRecord]:
        """See `BaseSite`; of each half one."""
        return [self.before, self.record]

    @property
    def inside(self) -> list[Stand]:
        """What stands around the modules of the block's halves."""
        pairs = zip(self.parts.halves, self.mutes, strict=True)
        return [
            Stand(module, around)
            for (first, last), mute in pairs
            for module, around in ((first, mute.first), (last, mute.last))
        ]

    def prepare(self, plan: Plan, state: SiteState, time: Time, makes: bool = False) -> None:
        """See `BaseSite`."""
        super().prepare(plan, state, time, makes)
        self.making = makes
        self.stream.restart()
        for mute in self.mutes:
            mute.on = False
        self.probe.expect(self.reducing)

    @property
    def _restores(self) -> bool:
        """Whether something reads what the block returns, be it the next block alone, and needs a row per place."""
        return self.pools or self.stream.open or any(self.hooks)

    def run(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """See `BaseSite`."""
        if not self.reducing and self.stream.sizes is None:
            return forward(*args, **kwargs)
        call = Arguments(self.names, args, kwargs)
        ruler = self.state.ruler
        lead = ruler.prefix
        tokens = self.stream.shortened(call[self.spec.call.tokens], lead)
        if len(tokens) != ruler.batch or not self.spec.fits(tokens.shape[1], ruler.image, ruler.prefix):
            self.ledger.ran_dense(self.spec.name, f"it was called with a part of the tokens, {list(tokens.shape[:2])}")
            return forward(*args, **kwargs)
        call[self.spec.call.tokens] = tokens
        self._shorten_rows(call, lead)
        try:
            result = self._reduce(forward, call, lead) if self.reducing else forward(*call.args, **call.kwargs)
        finally:
            self.gather_made(None)
        if not self._restores:
            return result
        return with_outputs(self.spec, self.stream.restore(token_output(self.spec, result), lead), None, result)

    def _shorten_rows(self, call: Arguments, lead: int) -> None:
        """Leave what has a row per token with those of the tokens that are left; make keys count as often as they do.

        Raises:
            UnsupportedModel: if there is a mask, of which nothing says what it is for a token that stands for several.
        """
        check_arguments(self.spec, call, self.state.ruler, apart=False)
        bias = self.parts.bias
        if bias is not None and call.get(bias) is not None:
            raise UnsupportedModel(
                f"{self.spec.name} was given {bias!r}, which has a row per token and does not get "
                "shorter with them. Call the model without it, or use a method of full length, such as 'tomesd'."
            )
        index = self.stream.index(lead)
        if index is None:
            return
        gather_rows(self.spec, call, index)
        self.gather_made(index)
        if self.weighs and bias is not None:
            call[bias] = self.stream.bias(lead, call[self.spec.call.tokens].dtype)

    def _reduce(self, forward: Forward, call: Arguments, lead: int) -> Any:
        """Call the first half on all tokens and the second on those that are left."""
        after = token_output(self.spec, self._muting(1, forward, call))
        image = after[:, lead:]
        if self.making:
            self._match(image)
        reduction = self.state.match.reduction
        assert reduction is not None
        merged = reduction.merge(image, self.merge, self.stream.sizes)
        self.stream.shorten(reduction)
        self.state.kept = self.stream.places
        call[self.spec.call.tokens] = torch.cat([after[:, :lead], merged], dim=1) if lead else merged
        if self.weighs and self.parts.bias is not None:
            call[self.parts.bias] = None
        return self._muting(0, forward, call)

    @torch.no_grad()
    def _match(self, image: torch.Tensor) -> None:
        features = self.probe.features(image, None, self.state.memories, self.time)
        make_match(self.group, self.method, self.state.match, features)

    def _muting(self, half: int, forward: Forward, call: Arguments) -> Any:
        """Call the original without one of its halves."""
        self.mutes[half].on = True
        try:
            return forward(*call.args, **call.kwargs)
        finally:
            self.mutes[half].on = False
