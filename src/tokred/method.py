"""A method: four parts, the sites they work at, and the paper they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from tokred.adapter import Keys
from tokred.errors import SpecError
from tokred.interfaces import (
    SITE_KINDS,
    Matcher,
    Phase,
    Recovery,
    Scheduler,
    Similarity,
    SiteInfo,
    SiteKind,
    known_before,
)
from tokred.reduction import MERGE_MODES, MergeMode

KEYS: tuple[Keys, ...] = get_args(Keys)

MergeRule = Callable[[SiteInfo], MergeMode]
"""Says how tokens are merged at a site, where that depends on the site."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """A token-reduction method, composed of four parts.

    Attributes:
        similarity: how alike tokens are, and by which signal.
        matcher: which tokens are removed, and into which.
        scheduler: when sites match and reduce, and how much.
        recovery: how removed tokens come back.
        merge: what a kept token holds: "prune", its own features; "mean", the average of those it stands for;
            "mlerp", that average at the length of the longest of them. A function of the site where sites differ.
        sites: where tokens are reduced: "attn" and "mlp" apart, or "block" as a whole; "kv", the keys and values of an
            attention alone, whose queries stay whole, so that nothing has to come back. In a block that computes both
            in parallel (Flux single blocks), "attn" and "mlp" together mean the block.
        keys: what the kept queries of an attention site attend to: "kept" tokens only; "full", keys and values
            projected for all tokens; "recovered", those of the removed tokens made by `recovery`.
        seed: starts the method's own random generator, anew for each generation.
        name: what reports call it.
        paper: where it comes from.

    Raises:
        SpecError: if the parts do not fit together.

    Example:
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
    keys: Keys = "kept"
    seed: int = 0
    name: str = "custom"
    paper: str = ""

    def __post_init__(self) -> None:
        self._check_types()
        self._check_choices()
        self._check_ratio()
        self._check_phases()

    def merge_at(self, site: SiteInfo) -> MergeMode:
        """Return how tokens are merged at `site`."""
        return self.merge(site) if callable(self.merge) else self.merge

    def _check_types(self) -> None:
        interfaces = {"similarity": Similarity, "matcher": Matcher, "scheduler": Scheduler, "recovery": Recovery}
        for part, interface in interfaces.items():
            if not isinstance(getattr(self, part), interface):
                raise SpecError(
                    f"{part}={getattr(self, part)!r} is no {interface.__name__}. Pass an object with the attributes "
                    f"and methods of tokred.{interface.__name__}, such as those in tokred.parts."
                )

    def _check_choices(self) -> None:
        if not callable(self.merge) and self.merge not in MERGE_MODES:
            raise SpecError(
                f"merge={self.merge!r} is not a way to merge. Allowed: {', '.join(MERGE_MODES)}, or a function of the "
                "site that returns one of them."
            )
        if self.keys not in KEYS:
            raise SpecError(f"keys={self.keys!r} is not known. Allowed: {', '.join(KEYS)}.")
        if not isinstance(self.sites, tuple):
            raise SpecError(f"sites={self.sites!r} must be a tuple of names, such as ('attn', 'mlp').")
        unknown = [site for site in self.sites if site not in SITE_KINDS]
        if unknown or not self.sites:
            raise SpecError(f"sites={self.sites!r}: name at least one of {', '.join(SITE_KINDS)}.")
        if "block" in self.sites and len(self.sites) > 1:
            raise SpecError(f"sites={self.sites!r}: a block holds its attn and mlp; name 'block' alone or those two.")
        if "kv" in self.sites and {"attn", "block"} & set(self.sites):
            raise SpecError(f"sites={self.sites!r}: 'attn' and 'block' reduce keys with their queries; leave out 'kv'.")
        if "attn" not in self.sites and self.keys != "kept":
            raise SpecError(f"keys={self.keys!r} is about attention sites, and sites={self.sites!r} names none.")

    def _check_ratio(self) -> None:
        if self.scheduler.ratio > self.matcher.max_ratio:
            raise SpecError(
                f"ratio={self.scheduler.ratio} for method {self.name!r} is too much for {self.matcher}: at most "
                f"{self.matcher.max_ratio:g} of the tokens can be removed. Lower the ratio or take larger strides."
            )

    def _check_phases(self) -> None:
        if self.scheduler.reuses:
            self._check_first_match()
            return
        signal = self.similarity.signal
        if not all(known_before(signal, site) for site in self.sites):
            raise SpecError(
                f"signal={signal!r} is known only after a site has run, and the scheduler matches and reduces in one "
                "call. Use a scheduler that reuses correspondences, such as Interval, or signal='input'."
            )
        if self.recovery.state_spec((1, 1, 1)):
            raise SpecError(
                f"{self.recovery} remembers dense outputs, and the scheduler plans no dense step. Use a scheduler "
                "that does, such as Interval, or a recovery without memory, such as Copy."
            )

    def _check_first_match(self) -> None:
        if self.similarity.signal != "drift":
            return
        first = self.scheduler.plan(0, 50, SiteInfo("", self.sites[0], 0, 1), ())
        if first.phase is not Phase.DENSE:
            raise SpecError(
                f"signal='drift' compares two dense calls, and {self.scheduler} matches at the first step. Let a dense "
                "step come before it: dense_first=2 or more."
            )
