"""What a method needs of its sites, and the sentence that a user gets where one cannot give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tokred.errors import SpecError
from tokred.family.site import SiteSpec
from tokred.interfaces import Place
from tokred.method import Method

NO_KEYS = "its keys and values are not made by modules of their own, or have to be those of its queries' tokens"


@dataclass(frozen=True)
class Need:
    """Something that a method asks of some of its sites.

    Attributes:
        asked: what the method asks for, as messages call it; "" where it does not.
        missing: why a site does not give it, in a sentence without a full stop; "" where it does.
        instead: what to do.
    """

    asked: Callable[[Method], str]
    missing: Callable[[SiteSpec, Place, Method], str]
    instead: str

    def refuse(self, specs: Sequence[SiteSpec], places: Sequence[Place], method: Method) -> None:
        """Raise `SpecError` where the method asks for it and a site does not give it."""
        what = self.asked(method)
        whys = [self.missing(spec, place, method) for spec, place in zip(specs, places, strict=True)] if what else []
        without = [(spec, why) for spec, why in zip(specs, whys, strict=False) if why]
        if without:
            spec, why = without[0]
            raise SpecError(
                f"{what} is not offered at {len(without)} of the chosen sites, such as {spec.name}: {why}. "
                f"{self.instead}"
            )


def offers_keys(spec: SiteSpec) -> bool:
    """Say whether the queries of an attention can attend to other keys than those of their own tokens."""
    return not _without_keys(spec)


def _without_keys(spec: SiteSpec) -> str:
    return _unrotated(spec) if spec.attention.keys else NO_KEYS


def _without_projections(spec: SiteSpec, place: Place, method: Method) -> str:
    return _without_keys(spec) if spec.kind in ("attn", "block") else _unrotated(spec)


def _without_bias(spec: SiteSpec, place: Place, method: Method) -> str:
    return (
        "its block takes no tensor that is added to the attention's logits"
        if spec.stream is None or spec.stream.bias is None
        else ""
    )


def _without_keys_apart(spec: SiteSpec, place: Place, method: Method) -> str:
    return _without_keys(spec) if spec.kind == "kv" else ""


def _unrotated(spec: SiteSpec) -> str:
    without = spec.kind != "mlp" and spec.attention.rotates and spec.attention.rotary is None
    return "they carry rotary positions, and the family's description does not say how to rotate" if without else ""


def _without_signal(spec: SiteSpec, place: Place, method: Method) -> str:
    return "" if spec.kind == "model" else method.similarity.signal.missing(place)


def _without_width(spec: SiteSpec, place: Place, method: Method) -> str:
    return "" if spec.width or spec.kind == "model" else "nothing says how many channels its tokens have"


def _without_rows(spec: SiteSpec, place: Place, method: Method) -> str:
    if spec.kind == "model":
        return "" if spec.width else "nothing says how many channels the model's output has"
    return "" if spec.scale == 1 else "its tokens are not those of the model's output"


def _memory(method: Method) -> str:
    remembering = method.remembers or method.similarity.signal.remembers
    return f"the memory of {method.name}" if remembering else ""


NEEDS = (
    Need(
        lambda method: f"keys={method.keys!r}" if method.keys not in ("kept", "weighted") else "",
        _without_projections,
        "Use keys='kept'.",
    ),
    Need(
        lambda method: f"keys={method.keys!r}" if method.keys == "weighted" else "",
        _without_bias,
        "Use keys='kept'.",
    ),
    Need(
        lambda method: f"sites={method.sites!r}: 'kv'" if "kv" in method.sites else "",
        _without_keys_apart,
        "Use a method of other sites, such as 'tomesd'.",
    ),
    Need(lambda method: f"signal={method.similarity.signal!r}", _without_signal, "Use another signal."),
    Need(
        lambda method: f"signal={method.similarity.signal!r}" if method.follows_model else "",
        _without_rows,
        "Use another signal.",
    ),
    Need(_memory, _without_width, "Name an attention in the family's description."),
)
"""All that a method can need of a site, in the order in which it is asked for."""
