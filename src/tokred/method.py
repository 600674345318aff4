"""A method: four parts, the sites they work at, and the paper they come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from tokred.errors import SpecError
from tokred.interfaces import (
    SITE_KINDS,
    Matcher,
    Phase,
    Recovery,
    Remembered,
    Scheduler,
    Signal,
    Similarity,
    SiteInfo,
    SiteKind,
    watched,
)
from tokred.reduction import MERGE_MODES, MergeMode

Keys = Literal["kept", "weighted", "full", "recovered"]
"""What the kept queries of an attention site attend to."""
KEYS: tuple[Keys, ...] = get_args(Keys)
REMEMBERED: tuple[Remembered, ...] = get_args(Remembered)
PartKind = Literal["similarity", "matcher", "scheduler", "recovery"]
PARTS: tuple[PartKind, ...] = get_args(PartKind)

MergeRule = tuple[tuple[float, MergeMode], ...]
"""How tokens are merged where blocks differ: shares of the blocks, ascending to 1, each with what those up to it do."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """A token-reduction method, composed of four parts.

    `tokred.compose` makes one of parts that are named as they are registered, such as "cosine:signal=output".

    Attributes:
        similarity: how alike tokens are, and by which signal.
        matcher: which tokens are removed, and into which.
        scheduler: when sites match and reduce, and how much.
        recovery: how removed tokens come back.
        merge: what a kept token holds: "prune", its own features; "mean", the average of those it stands for;
            "weighted", that average where each counts as often as it stands for others already; "mlerp", the plain
            average at the length of the longest of them. Where blocks differ, pairs: `((0.5, "prune"),
            (1.0, "mean"))` prunes in the first half of them.
        sites: where tokens are reduced: "attn" and "mlp" apart, or "block" as a whole. In a block that computes both
            in parallel (Flux single blocks), "attn" and "mlp" together mean the block. "kv" reduces the keys and values
            of an attention alone; its queries stay whole, or with "attn" beside it and `keys="full"` are reduced by
            correspondences of their own. "stream", alone, removes tokens for good, in each block between its attention
            and its MLP: all that comes after computes fewer, and none is recovered. "model", alone or beside others,
            skips the whole model at ratio 1; where others match by "model_output", the model's own output of removed
            tokens is recovered as well.
        keys: what the kept queries of an attention site attend to: "kept" tokens only; "full", keys and values
            projected for all tokens; "recovered", those of the removed tokens made as their outputs are; a recovery,
            made by that one. Where the stream is reduced, "kept" or "weighted": each counts as often as its token
            stands for others.
        share: number of neighbouring blocks, of one type, whose sites share one match: 1 for the attention and MLP of a
            block, a number beyond the model's for all blocks of a type. The first site that matches makes it, from its
            own signal. 0 lets each site make its own.
        memory: what features are remembered in: "model", the dtype that it computes in; "half", bfloat16 where that is
            wider.
        seed: starts the method's own random generator, anew for each generation; in [0, 2**63).
        name: what reports call it.
        paper: where it comes from.

    Raises:
        SpecError: if the parts do not fit together.

    Examples:
        >>> from tokred import Method, parts
        >>> method = Method(
        ...     similarity=parts.Cosine("output"),
        ...     matcher=parts.GridMatcher(stride=(2, 2)),
        ...     scheduler=parts.Interval(ratio=0.5, interval=3),
        ...     recovery=parts.Copy(),
        ...     sites=("attn", "mlp"),
        ... )
    """

    similarity: Similarity
    matcher: Matcher
    scheduler: Scheduler
    recovery: Recovery
    merge: MergeMode | MergeRule = "prune"
    sites: tuple[SiteKind, ...] = ("attn",)
    keys: Keys | Recovery = "kept"
    share: int = 0
    memory: Remembered = "model"
    seed: int = 0
    name: str = "custom"
    paper: str = ""

    def __post_init__(self) -> None:
        self._check_types()
        self._check_choices()
        self._check_ratio()
        self._check_phases()
        self._check_memory()

    def merge_at(self, site: SiteInfo) -> MergeMode:
        """Return how tokens are merged at `site`."""
        if isinstance(self.merge, str):
            return self.merge
        return next(mode for share, mode in self.merge if site.depth < share * site.blocks)

    @property
    def skips_sites(self) -> bool:
        """Whether sites inside the model are ever asked for what they would return without being called."""
        return self.scheduler.skips and "model" not in self.sites

    @property
    def skips_model_only(self) -> bool:
        """Whether all that it does is to call the model or not: it needs to know nothing of the model's tokens."""
        return self.sites == ("model",) and not self.follows_model

    @cached_property
    def remembers(self) -> bool:
        """Whether removed tokens get anything that a dense call computed."""
        return any(map(remembers, (self.recovery, self.recovery_of_keys, self.recovery_of_model)))

    @property
    def follows_model(self) -> bool:
        """Whether sites match by what the model returned; its own output of removed tokens is then recovered too."""
        return self.similarity.signal.of_model

    @cached_property
    def attended(self) -> Keys:
        """What kept queries attend to, in a word: see `keys`."""
        return self.keys if isinstance(self.keys, str) else "recovered"

    @property
    def recovery_of_keys(self) -> Recovery:
        """How the keys and values of removed tokens come back, where they do."""
        return self.recovery if isinstance(self.keys, str) else self.keys

    @property
    def recovery_of_model(self) -> Recovery:
        """How the output of a model comes back that is skipped: as removed tokens do, or as `Untouched` says."""
        other: Recovery | None = getattr(self.recovery, "model", None)
        return self.recovery if other is None else other

    def _check_types(self) -> None:
        interfaces = {
            "similarity": Similarity,
            "matcher": Matcher,
            "scheduler": Scheduler,
            "recovery": Recovery,
        }
        for part, interface in interfaces.items():
            if not isinstance(getattr(self, part), interface):
                raise SpecError(
                    f"{part}={getattr(self, part)!r} is not a {interface.__name__}. Pass an object with the attributes "
                    f"and methods of tokred.{interface.__name__}, such as those in tokred.parts; "
                    "tokred.compose() finds parts by their names."
                )
        if not isinstance(self.similarity.signal, Signal):
            raise SpecError(
                f"{self.similarity!r} compares {self.similarity.signal!r}, which is not a tokred.Signal. Have it "
                "inherit from tokred.parts.OfSignal, which takes a signal or the name of one."
            )
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**63:
            raise SpecError(f"seed={self.seed!r} must be an integer in [0, 2**63): it starts a random generator.")

    def _check_choices(self) -> None:
        if not _merges(self.merge):
            raise SpecError(
                f"merge={self.merge!r} is not a way to merge. Allowed: {', '.join(MERGE_MODES)}; or pairs of a share "
                "of the blocks and one of these, such as ((0.5, 'prune'), (1.0, 'mean')), ascending to 1."
            )
        if self.attended not in KEYS or not isinstance(self.keys, str | Recovery):
            raise SpecError(f"keys={self.keys!r} is not known. Allowed: {', '.join(KEYS)}, or a recovery.")
        if self.memory not in REMEMBERED:
            raise SpecError(f"memory={self.memory!r} is not known. Allowed: {', '.join(REMEMBERED)}.")
        if not isinstance(self.share, int) or isinstance(self.share, bool) or self.share < 0:
            raise SpecError(
                f"share={self.share!r} must be an integer of at least 0: the number of neighbouring blocks that share "
                "one match; 0 lets each site make its own."
            )
        if not isinstance(self.sites, tuple):
            raise SpecError(f"sites={self.sites!r} must be a tuple of names, such as ('attn', 'mlp').")
        unknown = [site for site in self.sites if site not in SITE_KINDS]
        if unknown or not self.sites:
            raise SpecError(f"sites={self.sites!r}: name at least one of {', '.join(SITE_KINDS)}.")
        if "block" in self.sites and {"attn", "mlp"} & set(self.sites):
            raise SpecError(f"sites={self.sites!r}: a block holds its attn and mlp; name 'block' alone or those two.")
        if {"kv", "block"} <= set(self.sites):
            raise SpecError(f"sites={self.sites!r}: a 'block' reduces keys with its queries; leave out 'kv'.")
        if {"kv", "attn"} <= set(self.sites) and self.keys != "full":
            raise SpecError(
                f"sites={self.sites!r}: queries and keys reduced apart, and keys={self.keys!r} reduces keys with their "
                "queries. Use keys='full': all that 'kv' leaves; or leave out 'kv'."
            )
        if self.sites == ("stream",) and self.keys in ("kept", "weighted") and not self.share:
            return
        if "stream" in self.sites:
            raise SpecError(
                f"sites={self.sites!r} with keys={self.keys!r} and share={self.share}: what is removed from the stream "
                "is gone for all that comes after. Name no other sites beside it, keys='kept' or 'weighted', and "
                "share=0."
            )
        if self.keys == "weighted":
            raise SpecError("keys='weighted' is about tokens that stand for others for good: name sites=('stream',).")
        if "attn" not in self.sites and self.keys != "kept":
            raise SpecError(f"keys={self.keys!r} is about attention sites, and sites={self.sites!r} names none.")

    def _check_ratio(self) -> None:
        ratio = self.scheduler.ratio
        recovery = self.recovery_of_model if "model" in self.sites else self.recovery
        if self.scheduler.skips and not remembers(recovery):
            raise SpecError(
                f"{self.scheduler} calls no site at ratio 1, and {recovery} remembers no output to return. Use "
                "Cached, Forecast or Delta."
            )
        if self.scheduler.skips and {"kv", "attn"} <= set(self.sites):
            raise SpecError(
                f"sites={self.sites!r}: {self.scheduler} plans ratio 1, at which an attention is not called and has no "
                "keys to reduce. Leave out 'kv'."
            )
        if self.sites == ("model",) and 0 < ratio < 1:
            raise SpecError(
                f"ratio={ratio} for sites=('model',): a whole model is called or skipped, so that its ratio is 0 or 1. "
                "Name other sites beside it."
            )
        if "model" in self.sites and ratio > 0 and not self.scheduler.skips and not self.follows_model:
            raise SpecError(
                f"sites={self.sites!r}: {self.scheduler} never plans ratio 1, at which the model is skipped. Leave out "
                "'model'."
            )
        if "model" not in self.sites and watched(self.scheduler):
            raise SpecError(f"sites={self.sites!r}: {self.scheduler} watches the whole model. Name 'model' among them.")
        if ratio < 1 and ratio > self.matcher.max_ratio:
            raise SpecError(
                f"ratio={ratio} for method {self.name!r} is too much for {self.matcher}: at most "
                f"{self.matcher.max_ratio:g} of the tokens can be removed. Lower the ratio or take larger strides."
            )

    def _check_phases(self) -> None:
        self._check_past()
        if "stream" in self.sites and (self.scheduler.reuses or self.scheduler.skips):
            raise SpecError(
                f"{self.scheduler} reuses what earlier steps made, and sites=('stream',) removes tokens within a call. "
                "Use a scheduler that matches and reduces in every call, such as EveryStep."
            )
        if self.scheduler.reuses:
            return
        signal = self.similarity.signal
        if not all(signal.known_before(site) for site in self.sites):
            raise SpecError(
                f"signal={signal!r} is known only after a site has run, and the scheduler matches and reduces in one "
                "call. Use a scheduler that reuses correspondences, such as Interval, or signal='input'."
            )
        for recovery in (self.recovery, self.recovery_of_keys, self.recovery_of_model):
            if remembers(recovery):
                raise SpecError(
                    f"{recovery} remembers dense outputs, and the scheduler plans no dense step. Use a scheduler "
                    "that does, such as Interval, or a recovery without memory, such as Copy."
                )

    def _check_memory(self) -> None:
        """Refuse a choice of memory where nothing is remembered."""
        if self.memory != "model" and not (self.remembers or self.similarity.signal.remembers):
            raise SpecError(
                f"memory={self.memory!r} is about features that are remembered, and {self.recovery} remembers none. "
                "Leave it out, or use a recovery such as Cached, Forecast or Delta."
            )

    def _check_past(self) -> None:
        """Refuse a signal that needs calls before the one that matches where there can be none."""
        signal = self.similarity.signal
        if self.follows_model and "model" not in self.sites:
            raise SpecError(
                f"signal={signal!r} compares what the model returned, and sites={self.sites!r} leave it out. Name "
                "'model' among them."
            )
        if self.follows_model and not self.scheduler.reuses:
            raise SpecError(
                f"signal={signal!r} compares what the model returned a step before, and {self.scheduler} knows no "
                "steps. Use a scheduler that reuses correspondences, such as Interval."
            )
        if not signal.needs_past or not self.scheduler.reuses:
            return
        if signal.needs_forecast and not remembers(self.recovery):
            raise SpecError(
                f"signal={signal!r} compares outputs with the recovery's forecast, and {self.recovery} makes none. Use "
                "Cached, Forecast or Delta."
            )
        first = self.scheduler.plan(0, 50, SiteInfo("", self.sites[0], 0, 1), ())
        if first.phase is not Phase.DENSE:
            raise SpecError(
                f"signal={signal!r} needs a dense call before the one that matches, and {self.scheduler} matches at "
                "the first step. Let a dense step come before it: dense_first=2 or more."
            )


def _merges(merge: Any) -> bool:
    """Say whether `merge` is a mode, or a rule that covers all blocks."""
    if isinstance(merge, str):
        return merge in MERGE_MODES
    if not isinstance(merge, tuple) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in merge):
        return False
    shares, modes = [share for share, _ in merge], {mode for _, mode in merge}
    if not modes or not modes <= set(MERGE_MODES) or not all(isinstance(share, int | float) for share in shares):
        return False
    return shares[0] >= 0 and shares[-1] == 1 and shares == sorted(set(shares))


def remembers(recovery: Recovery) -> bool:
    """Say whether a recovery has a memory."""
    return bool(recovery.state_spec((1, 1, 1)))
