"""tokred's own parts, as components."""

from __future__ import annotations

from collections.abc import Iterator

from tokred.parts.schedules import Interval
from tokred.registry.component import Component
from tokred.registry.hooks import hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the parts."""
    yield Component("similarity", "cosine", "tokred.parts:Cosine", "cosine of the angle between two tokens")
    yield Component("similarity", "euclidean", "tokred.parts:Euclidean", "squared distance of two tokens, negative")
    yield from _signals()
    yield Component("matcher", "grid", "tokred.parts:GridMatcher", "one destination per cell of the token grid")
    yield Component(
        "matcher",
        "random",
        "tokred.parts:RandomMatcher",
        "random pairs",
        expected_failures={"broken_tokens_attract_none": "it reads no features, so it cannot tell a broken token"},
    )
    yield Component(
        "matcher",
        "role",
        "tokred.parts:RoleMatcher",
        "all tokens of a role, such as a reference picture's",
        levels=({"role": "target"},),
        expected_failures={"broken_tokens_attract_none": "it reads no features, so it cannot tell a broken token"},
    )
    yield Component(
        "matcher",
        "unchanged",
        "tokred.parts:UnchangedMatcher",
        "what an edit leaves as the reference has it",
        expected_failures=dict.fromkeys(
            ("broken_tokens_attract_none", "memory_is_linear"), "there is no reference to compare with"
        ),
    )
    yield from _schedulers()
    yield Component("recovery", "copy", "tokred.parts:Copy", "the output of the token's destination")
    yield Component(
        "recovery",
        "cached",
        "tokred.parts:Cached",
        "the token's own output at the last dense call",
        levels=({}, {"update": True}),
    )
    yield Component("recovery", "forecast", "tokred.parts:Forecast", "the token's own outputs, carried on in time")
    yield Component(
        "recovery",
        "blend",
        "tokred.parts:Blend",
        "the output of the token's destination, mixed with its own at the last dense call",
        levels=({"new": 0.2},),
        expected_failures={"kept_outputs_come_back_unchanged": "destinations are blended too, as SDTM does"},
    )
    yield Component("recovery", "untouched", "tokred.parts:Untouched", "nothing: for tokens that nobody reads")
    yield Component("recovery", "delta", "tokred.parts:Delta", "the token's forecast and its destination's change")


def _schedulers() -> Iterator[Component]:
    summaries = {
        "every_step": ("EveryStep", "match and reduce in every call"),
        "stages": ("Stages", "match and reduce in every call, at some blocks"),
        "interval": ("Interval", "match at one step in so many, reuse at the others"),
        "guided": ("GuidedInterval", "match again when the pairs seen no longer last"),
        "planned": ("Planned", "match at given places of the generation"),
    }
    needed = {"planned": {"matches": (0.0, 0.5)}}
    for name, (target, summary) in summaries.items():
        levels = ({"ratio": 0.5, **needed.get(name, {})},)
        yield Component("scheduler", name, f"tokred.parts:{target}", summary, levels=levels)
    yield Component(
        "scheduler",
        "program",
        "tokred.parts:Program",
        "what a line says, step by step",
        levels=({"text": "DD(M .5 .5)*D"}, {"text": "DD(M .5 1)*D"}, {"text": "DD(R 1)*R"}),
    )
    yield Component(
        "scheduler",
        "gate",
        "tokred.parts:Gate",
        "skip the model until it has gone too far: a schedule that looks",
        levels=({"threshold": 0.05}, {"threshold": 0.2, "by": "change"}),
    )
    yield Component(
        "scheduler",
        "oracle",
        "tokred.parts:Oracle",
        "another schedule, its pairs made anew at every step",
        levels=({"schedule": Interval(0.5)},),
    )


def _signals() -> Iterator[Component]:
    summaries = {
        "input": "what the site is called with",
        "block_input": "what the block around the site is called with",
        "projection": "the queries, or the values, of the tokens that the site spares",
        "key": "the keys of the block's attention",
        "key+input": "those keys and the input side by side",
        "value": "the values of the block's attention",
        "class_attention": "how much the class token attends to each token",
        "class_attention+key": "that and the key beside it",
        "significance": "that, times the length of the token's value",
        "output": "what the site returns",
        "drift": "what that changed by since the last dense call",
        "error": "what that differs by from the recovery's forecast",
        "model_output": "what the whole model returned at its last call",
        "model_spread": "how much that varies over its channels",
        "clean": "the clean picture that it foresees",
    }
    for name, summary in summaries.items():
        yield Component(
            "signal", name, f"tokred.signals:{name.replace('+', '_and_').title().replace('_', '')}", summary
        )
