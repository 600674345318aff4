"""A site at work: it matches, reduces and recovers around the original forward."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.arguments import Arguments
from tokred.engine.base_site import BaseSite
from tokred.engine.keys import FullKeys, KeyFeed, KeySource, MergedKeys, NormedKeys, NormFeed, RecoveredKeys, SeenKeys
from tokred.engine.ledger import Ledger
from tokred.engine.matching import make_match
from tokred.engine.memory import new_memory, remembered_dtype
from tokred.engine.outputs import context_output, token_output, with_outputs
from tokred.engine.patch import Layer, Stand
from tokred.engine.rotary import RotaryFeeds
from tokred.engine.rows import RowIndex, check_arguments, gather_rows, replace_tokens, with_own_tokens
from tokred.engine.sharing import MatchGroup
from tokred.engine.state import SiteState
from tokred.engine.tables import keep_tables
from tokred.errors import UnsupportedModel
from tokred.family.site import SiteSpec
from tokred.family.spans import join, split
from tokred.interfaces import Around, Forward, Memory, MemorySpec, Phase, Place, Plan, Probe, Recovery, SiteInfo, Time
from tokred.layout import Layout
from tokred.method import Method
from tokred.reduction import Reduction


class Site(BaseSite):
    """Runs in place of one module's forward.

    Between two model calls `prepare` says what the next call does; during the call only flags and tensors are read,
    so that each phase compiles into one graph.

    Args:
        spec, info, method, group, ledger: see `BaseSite`.
        place: the site, as the method's signal sees it.

    Attributes:
        beside: the "kv" site of the same attention, which is called before this one, if there is one.
    """

    def __init__(
        self,
        spec: SiteSpec,
        info: SiteInfo,
        method: Method,
        group: MatchGroup,
        place: Place,
        ledger: Ledger,
    ) -> None:
        super().__init__(spec, info, method, group, ledger)
        self.probe: Probe = method.similarity.signal.probe(place)
        self.merge = method.merge_at(info)
        self.order = spec.call.order
        other_keys = method.attended != "kept" and bool(spec.attention.keys) and spec.kind != "mlp"
        self.apart = other_keys or spec.kind == "kv"
        self.feeds = tuple(KeyFeed() for _ in spec.attention.keys) if self.apart else ()
        self.rotary = RotaryFeeds(spec.attention.rotary) if self.apart and spec.attention.rotary else None
        self.beside: Site | None = None
        self.norm = NormFeed() if self.apart and spec.attention.norm else None
        self.remembered = self._remembered()
        self.returns_context = True
        self.reset()

    @property
    def inside(self) -> list[Stand]:
        """What makes other keys than those of the kept tokens."""
        layer = Layer.KEYS if self.spec.kind == "kv" else Layer.SITE
        around: list[tuple[nn.Module, Around]] = list(zip(self.spec.attention.keys, self.feeds, strict=False))
        if self.rotary is not None:
            around += self.rotary.around
        if self.norm is not None and self.spec.attention.norm is not None:
            around.append((self.spec.attention.norm, self.norm))
        return [Stand(module, stand, layer) for module, stand in around]

    def _remembered(self) -> dict[str, Recovery]:
        """Return the recoveries that remember dense calls, by what: "output", "context", a feed's number."""
        recoveries = {"output": self.method.recovery}
        if self.spec.call.context and self.method.skips_sites:
            recoveries["context"] = self.method.recovery
        if self.method.attended == "recovered":
            recoveries |= {str(index): self.method.recovery_of_keys for index in range(len(self.feeds))}
        return {what: recovery for what, recovery in recoveries.items() if recovery.state_spec((1, 1, 1))}

    def memory_specs(self, batch: int, layout: Layout) -> dict[str, MemorySpec]:
        """See `BaseSite`."""
        projections: Any = self.spec.attention.keys
        widths = {str(index): projection.out_features for index, projection in enumerate(projections)}
        rows = {"context": self.spec.context(layout)}
        return super().memory_specs(batch, layout) | {
            what: recovery.state_spec((batch, rows.get(what, layout.image), widths.get(what, self.spec.width)))
            for what, recovery in self.remembered.items()
        }

    def prepare(self, plan: Plan, state: SiteState, time: Time, makes: bool = False) -> None:
        """See `BaseSite`."""
        super().prepare(plan, state, time, makes)
        self.matching = plan.phase.matches
        self.making = self.matching and makes
        self.trying = plan.phase is Phase.ORACLE
        kept = "signal" in state.memories
        self.observing = (kept or bool(self.remembered)) and not self.reducing
        self._reset_inside()
        self.probe.expect(self.making or (kept and self.observing))

    def repeat(self, plan: Plan, state: SiteState, time: Time) -> None:
        """See `BaseSite`; nothing is remembered anew."""
        super().repeat(plan, state, time)
        self.observing = False

    def prepare_dense(self) -> None:
        """See `BaseSite`."""
        super().prepare_dense()
        self.observing = False

    def run(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """See `BaseSite`."""
        if not (self.making or self.reducing or self.observing):
            return forward(*args, **kwargs)
        call = Arguments(self.names, args, kwargs)
        tokens: torch.Tensor = call[self.spec.call.tokens]
        if not self._fits(tokens):
            self.ledger.ran_dense(self.spec.name, f"it was called with a part of the tokens, {list(tokens.shape[:2])}")
            return forward(*args, **kwargs)
        if self.skipping:
            return self._recall(call, tokens)
        if not self.reducing:
            return self._learn(forward, call, tokens)
        if self.making:
            output = self._output(self._call(forward, call, ()), tokens) if self.trying else None
            self._match(call, tokens, output)
        return self._reduce(forward, call, tokens)

    def _fits(self, tokens: torch.Tensor) -> bool:
        """Say whether `tokens` `[B, L, C]` are those of the call that was planned."""
        ruler = self.state.ruler
        return len(tokens) == ruler.batch and self.spec.fits(tokens.shape[1], ruler.image, ruler.prefix)

    def _split(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Split a sequence `[B, L, C]` of all tokens into what is before the image's, these, and what is after."""
        return split(x, self.order, self.state.ruler.image, self.state.ruler.prefix)

    @torch.no_grad()
    def _match(self, call: Arguments, tokens: torch.Tensor, output: torch.Tensor | None) -> None:
        """Make correspondences; `output` is None in a call that matches before the site runs."""
        features = self.probe.features(self._split(tokens)[1], output, self.state.memories, self.time)
        make_match(self.group, self.method, self.state.match, features)
        keep_tables(self.spec, call, self.state.match, self.state.ruler.prefix)

    def _learn(self, forward: Forward, call: Arguments, tokens: torch.Tensor) -> Any:
        """Call the site on all tokens; make correspondences from it where it is to, and remember it."""
        keys = tuple(SeenKeys(self.spec.attention.order) for _ in self.feeds) if "0" in self.remembered else ()
        result = self._call(forward, call, keys)
        output = self._output(result, tokens)
        if self.making:
            self._match(call, tokens, output)
        seen = {str(index): key.image(self.state.ruler.image) for index, key in enumerate(keys)}
        if "context" in self.remembered:
            seen["context"] = self._context(result, call)
        self._observe(output, seen)
        return result

    @torch.no_grad()
    def _observe(self, output: torch.Tensor, seen: dict[str, torch.Tensor]) -> None:
        """Have the signal and the recoveries remember what was computed densely: `output`, or what else was `seen`."""
        made = self.state.match.reduction if self.matching else None
        for what, recovery in self.remembered.items():
            if what == "context":
                self._fit_context(recovery, seen[what])
            reduction = None if what == "context" else made
            recovery.observe(seen.get(what, output), self.state.memories[what], self.time, reduction)
        if "signal" in self.state.memories:
            self.probe.observe(output, self.state.memories["signal"])

    def _fit_context(self, recovery: Recovery, context: torch.Tensor) -> None:
        """Make the memory of a context anew where it is not as wide as the image, as in Mochi."""
        spec = recovery.state_spec((context.shape[0], context.shape[1], context.shape[2]))
        memory = self.state.memories["context"]
        if any(memory[name].shape != shape for name, shape in spec.items()):
            dtype = remembered_dtype(self.method.memory, context.dtype)
            self.state.memories["context"] = new_memory(spec, dtype, context.device)

    def _recall(self, call: Arguments, tokens: torch.Tensor) -> Any:
        """Return what the site would, from memory alone."""
        before, image, after = self._split(tokens)
        full = self._recalled("output", image)
        if len(self.order) > 1:
            context = self._recalled("context", torch.cat([before, after], dim=1))
            full = join(context[:, : before.shape[1]], full, context[:, before.shape[1] :])
            return with_outputs(self.spec, full, None)
        text = self._recalled("context", call[self.spec.call.beside]) if self._gives_context else None
        return with_outputs(self.spec, full, text)

    @property
    def _gives_context(self) -> bool:
        return bool(self.spec.call.beside) and self.returns_context

    def _recalled(self, what: str, tokens: torch.Tensor) -> torch.Tensor:
        """Return a new tensor `[B, N, C]` in the dtype of `tokens`, which a whole block adds to its own output."""
        output = self.remembered[what].recall(self.state.memories[what], self.time).to(tokens.dtype, copy=True)
        return output.add_(tokens) if self.spec.residual else output

    def _reduce(self, forward: Forward, call: Arguments, tokens: torch.Tensor) -> Any:
        """Call the site on the kept tokens and recover the others."""
        reduction = self.state.match.reduction
        if reduction is None:
            self.ledger.ran_dense(self.spec.name, "the site that should have made its match was not called")
            return forward(*call.args, **call.kwargs)
        check_arguments(self.spec, call, self.state.ruler, self.apart)
        match, prefix = self.state.match, self.state.ruler.prefix
        index = RowIndex(reduction, match.gathered.rows, prefix, match.gathered.tables, self.group.taken)
        self._take_tables(call, index)
        gather_rows(self.spec, call, index, self.apart)
        if self.spec.kind == "kv":
            return self._reduce_keys(forward, call, reduction)
        before, image, after = self._split(tokens)
        merged = reduction.merge(image, self.merge)
        replace_tokens(call, tokens, join(before, merged, after))
        self.gather_made(index)
        result = self._call(forward, call, self._key_sources(image, reduction))
        return self._recovered(result, image, merged, reduction)

    def _take_tables(self, call: Arguments, index: RowIndex) -> None:
        """Have queries and keys rotated in the attention's place; fewer queries, where keys are already."""
        keys = None if self.beside is None else self.beside.rotary
        if keys is not None and keys.tables is not None:
            keys.cut_queries(index)
        elif self.rotary is not None:
            self.rotary.begin(call, index, keys_alone=self.spec.kind == "kv")

    def _recovered(self, result: Any, image: torch.Tensor, merged: torch.Tensor, reduction: Reduction) -> Any:
        """Return what the site would have on all tokens, from what it returned on the merged ones."""
        output = token_output(self.spec, result)
        before, kept, after = split(output, self.order, reduction.computed, self.state.ruler.prefix)
        own = kept - merged if self.spec.residual else kept
        full = self.method.recovery.recover(own, reduction, self._memory("output"), self.time)
        if self.spec.residual:
            full.add_(image)
        return with_outputs(self.spec, join(before, full, after), None, result)

    def _reduce_keys(self, forward: Forward, call: Arguments, reduction: Reduction) -> Any:
        """Call the site on all tokens, which attend to the merged ones."""
        order = self.spec.attention.order
        return self._call(forward, call, tuple(MergedKeys(reduction, self.merge, order) for _ in self.feeds))

    def _context(self, result: Any, call: Arguments) -> torch.Tensor:
        """Return the site's own output for the tokens that are computed with the image's, `[B, T, C]`."""
        if len(self.order) > 1:
            before, _, after = self._split(token_output(self.spec, result))
            return torch.cat([before, after], dim=1)
        context = context_output(self.spec, result)
        self.returns_context = context is not None  # the last block of SD3 returns none
        given: torch.Tensor = call[self.spec.call.beside]
        if context is None:
            return torch.zeros_like(given)
        return context - given if self.spec.residual else context

    def _output(self, result: Any, tokens: torch.Tensor) -> torch.Tensor:
        """Return the site's own output `[B, N, C]`, without the input that a whole block adds to it."""
        output = self._split(token_output(self.spec, result))[1]
        return output - self._split(tokens)[1] if self.spec.residual else output

    def _key_sources(self, image: torch.Tensor, reduction: Reduction) -> tuple[KeySource, ...]:
        """Return what makes the keys and values that the kept tokens, of all of the image's `[B, N, C]`, attend to."""
        order = self.spec.attention.order
        if self.method.attended == "full" and self.norm is not None:
            self.norm.image, self.norm.kept, self.norm.order = image, reduction.computed, order
            return tuple(NormedKeys(self.norm) for _ in self.feeds)
        if self.method.attended == "full":
            return tuple(FullKeys(image, reduction.computed, order) for _ in self.feeds)
        recovery = self.method.recovery_of_keys
        memories = [self._memory(str(index)) for index in range(len(self.feeds))]
        return tuple(RecoveredKeys(recovery, reduction, memory, self.time, order) for memory in memories)

    def _memory(self, what: str) -> Memory:
        return self.state.memories.get(what, {})

    def _reset_inside(self) -> None:
        """Leave the modules inside the site as they are."""
        if self.made_rows:
            self.gather_made(None)
        for feed in self.feeds:
            feed.source = None
        if self.rotary is not None:
            self.rotary.reset()
        if self.norm is not None:
            self.norm.image = None

    def _call(self, forward: Forward, call: Arguments, sources: tuple[KeySource, ...]) -> Any:
        """Call the original, its key and value projections fed by `sources`."""
        for feed, source in zip(self.feeds, sources, strict=False):
            feed.source, feed.used, feed.samples = source, False, self.state.ruler.batch
        given = with_own_tokens(self.spec, call) if self.spec.call.in_place else call
        try:
            result = forward(*given.args, **given.kwargs)
        finally:
            self._reset_inside()
        if not all(feed.used for feed in self.feeds) or not (self.rotary is None or self.rotary.used):
            raise UnsupportedModel(
                f"{self.spec.name} did not call its key and value projections, so keys={self.method.keys!r} had no "
                "effect. Call unfuse_qkv_projections(), or use keys='kept'."
            )
        return result
