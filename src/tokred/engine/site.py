"""A site at work: it matches, reduces and recovers around the original forward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from tokred.adapter import SiteSpec
from tokred.engine.arguments import Arguments, argument_names
from tokred.engine.keys import BlockTap, FullKeys, KeyFeed, KeySource, ObservedKeys, RecoveredKeys
from tokred.engine.memory import remember
from tokred.engine.outputs import token_output, with_token_output
from tokred.engine.patch import Forward
from tokred.engine.travel import check_arguments, gather_travels
from tokred.errors import UnsupportedModel
from tokred.interfaces import DENSE, Draw, Memory, Plan, SiteInfo
from tokred.layout import Layout
from tokred.method import Method
from tokred.pmr import pair_match_ratio
from tokred.reduction import Reduction


@dataclass
class SiteState:
    """What a site remembers within one generation and guidance branch.

    Attributes:
        batch: number of samples, B.
        layout: the layout that it was made for.
        removed: number of tokens that the correspondences remove.
        draw: what the matcher drew, on the model's device.
        redrawn: whether it drew anew for the last match.
        matched: whether a match has been planned.
        reduction: the correspondences; None before the first match has run.
        pmr: pair match ratio of the last match with the one before it, a tensor; None where it drew anew.
        match_memory: the matcher's tensors.
        memory: the recovery's tensors for the output; empty before the first dense output.
        key_memories: the recovery's tensors for the keys and for the values.
    """

    batch: int
    layout: Layout
    removed: int = 0
    draw: Draw = ()
    redrawn: bool = True
    matched: bool = False
    reduction: Reduction | None = None
    pmr: torch.Tensor | None = None
    match_memory: Memory = field(default_factory=dict)
    memory: Memory = field(default_factory=dict)
    key_memories: tuple[Memory, ...] = ()


class Site:
    """Runs in place of one module's forward.

    Between two model calls `prepare` says what the next call does; during the call only flags and tensors are read,
    so that each phase compiles into one graph.

    Args:
        spec: where the site is.
        info: the same, as the method's parts are told.
        method: what it does.
        tap: holds the input of the block around it, where the method compares that.
        feeds: stand around the projections in `spec.key_modules`, where the method asks for other keys than "kept".
        on_unplanned: is told, with the reason, of a call that runs dense instead of as planned.
    """

    def __init__(
        self,
        spec: SiteSpec,
        info: SiteInfo,
        method: Method,
        tap: BlockTap | None,
        feeds: tuple[KeyFeed, ...],
        on_unplanned: Callable[[SiteSpec, str], None],
    ) -> None:
        self.on_unplanned = on_unplanned
        self.spec = spec
        self.info = info
        self.method = method
        self.merge = method.merge_at(info)
        self.tap = tap
        self.feeds = feeds
        self.names = argument_names(spec.module)
        self.has_memory = bool(method.recovery.state_spec((1, 1, 1)))
        self.states: dict[str, SiteState] = {}
        self.rest()

    def prepare(self, plan: Plan, state: SiteState) -> None:
        """Set what the next call does; plain Python, before the model is called."""
        self.matching, self.reducing = plan.phase.matches, plan.phase.reduces
        self.lead = self.spec.lead(state.layout)
        self.state = state

    def new_state(self, batch: int, layout: Layout) -> SiteState:
        """Return an empty state for `batch` samples of `layout`."""
        return SiteState(batch, layout, key_memories=tuple({} for _ in self.feeds))

    def rest(self) -> None:
        """Make the next call the original one and forget every state."""
        self.states.clear()
        self.prepare(DENSE, self.new_state(0, Layout(())))

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do what the last `prepare` said."""
        if not (self.matching or self.reducing):
            return forward(*args, **kwargs)
        call = Arguments(self.names, args, kwargs)
        tokens: torch.Tensor = call[self.spec.tokens]
        if tokens.shape[:2] != (self.state.batch, self.lead + self.state.layout.image):
            self.on_unplanned(self.spec, f"it was called with a part of the tokens, {list(tokens.shape[:2])}")
            return forward(*args, **kwargs)
        if self.reducing:
            if self.matching:
                self._match(self._known_features(tokens))
            return self._reduce(forward, call, tokens)
        return self._learn(forward, call, tokens)

    def _known_features(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the signal `[B, N, C]` that is known before the site runs."""
        if self.tap is not None:
            assert self.tap.tokens is not None, "the site's block is running"
            tokens = self.tap.tokens
        return tokens[:, -self.state.layout.image :]

    @torch.no_grad()
    def _match(self, features: torch.Tensor) -> None:
        if not self.spec.per_sample and features.shape[0] > 1:
            # One correspondence for the batch: a token is compared by its features in all samples at once.
            features = features.transpose(0, 1).flatten(1).unsqueeze(0)
        state, last, method = self.state, self.state.reduction, self.method
        state.reduction = method.matcher.match(
            features, state.draw, state.removed, method.similarity, state.match_memory
        )
        state.pmr = None if state.redrawn or last is None else pair_match_ratio(last, state.reduction).mean()

    def _learn(self, forward: Forward, call: Arguments, tokens: torch.Tensor) -> Any:
        """Call the site on all tokens and make correspondences, and memories, from it."""
        result = self._call(forward, call, self._observing_sources() if self.has_memory else ())
        output = self._residual_branch(token_output(self.spec, result)[:, self.lead :], tokens[:, self.lead :])
        self._match(output if self.method.similarity.signal == "output" else self._known_features(tokens))
        if self.has_memory:
            remember(self.method.recovery, output, self.state.memory)
        return result

    def _reduce(self, forward: Forward, call: Arguments, tokens: torch.Tensor) -> Any:
        """Call the site on the kept tokens and recover the others."""
        reduction = self.state.reduction
        if reduction is None:
            self.on_unplanned(self.spec, "it was not called when it should have matched")
            return forward(*call.args, **call.kwargs)
        check_arguments(self.spec, call, self.state.layout, self.method.keys)
        head, image = tokens[:, : self.lead], tokens[:, self.lead :]
        merged = reduction.merge(image, self.merge)
        call[self.spec.tokens] = torch.cat([head, merged], dim=1) if self.lead else merged
        gather_travels(self.spec, call, reduction)
        result = self._call(forward, call, self._key_sources(tokens, reduction))
        output = token_output(self.spec, result)
        kept = self._residual_branch(output[:, self.lead :], merged)
        full = self.method.recovery.recover(kept, reduction, self.state.memory)
        full = image + full if self.spec.residual else full
        return with_token_output(
            self.spec, result, torch.cat([output[:, : self.lead], full], dim=1) if self.lead else full
        )

    def _residual_branch(self, output: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Return the site's own output `[B, N, C]`, without the input that a whole block adds to it."""
        return output - image if self.spec.residual else output

    def _key_sources(self, tokens: torch.Tensor, reduction: Reduction) -> tuple[KeySource, ...]:
        if self.method.keys == "full":
            return tuple(FullKeys(tokens) for _ in self.feeds)
        return tuple(RecoveredKeys(self.method.recovery, reduction, m) for m in self.state.key_memories)

    def _observing_sources(self) -> tuple[KeySource, ...]:
        return tuple(ObservedKeys(self.method.recovery, memory) for memory in self.state.key_memories)

    def _call(self, forward: Forward, call: Arguments, sources: tuple[KeySource, ...]) -> Any:
        """Call the original, its key and value projections fed by `sources`."""
        for feed, source in zip(self.feeds, sources, strict=False):
            feed.source, feed.used = source, False
        try:
            result = forward(*call.args, **call.kwargs)
        finally:
            for feed in self.feeds:
                feed.source = None
        if not all(feed.used for feed in self.feeds):
            raise UnsupportedModel(
                f"{self.spec.name} did not call its key and value projections, so keys={self.method.keys!r} had no "
                "effect. Call unfuse_qkv_projections(), or use keys='kept'."
            )
        return result
