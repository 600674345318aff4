"""Methods: parts that fit together, and parameters that are read and refused."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import numpy as np
import pytest
from bench.tiny import TinySubject

import tokred
from tokred import Method, Signal, SpecError, UnknownName
from tokred.parts import Cached, Copy, Cosine, EveryStep, GridMatcher, Interval, Program
from tokred.registry import build_method, build_part, components
from tokred.registry.parameters import parameter_hints, parse_parameters


class Named(Cosine):
    """Gives the name of a signal, as similarities did before there were objects."""

    signal = "key"

    def __init__(self) -> None:
        pass


PARTS = {
    "similarity": Cosine("output"),
    "matcher": GridMatcher(),
    "scheduler": Interval(0.5),
    "recovery": Copy(),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"similarity": 3}, "similarity=3 is not a Similarity. Pass an object .*, such as those in tokred.parts"),
        ({"matcher": "grid"}, r"matcher='grid' is not a Matcher. .*; tokred.compose\(\) finds parts by their names"),
        (
            {"similarity": Named()},
            "compares 'key', which is not a tokred.Signal. .* inherit from tokred.parts.OfSignal",
        ),
        ({"seed": -1}, r"seed=-1 must be an integer in \[0, 2\*\*63\)"),
        (
            {"merge": "average"},
            "merge='average' is not a way to merge. Allowed: prune, mean, weighted, mlerp; or",
        ),
        ({"merge": ()}, r"merge=\(\) is not a way to merge"),
        ({"merge": ((0.5, "prune"),)}, "is not a way to merge.*ascending to 1"),
        ({"merge": ((0.5, "prune"), (1.0, "average"))}, "is not a way to merge"),
        ({"merge": ((0.5, "prune"), (0.2, "mean"), (1.0, "mean"))}, "is not a way to merge"),
        ({"keys": "all"}, "keys='all' is not known. Allowed: kept, weighted, full, recovered"),
        ({"memory": "float16"}, "memory='float16' is not known. Allowed: model, half"),
        ({"memory": "half"}, r"memory='half' is about features that are remembered, and Copy\(\) remembers none"),
        ({"sites": ("attention",)}, "name at least one of attn, mlp, block"),
        ({"sites": "attn"}, r"sites='attn' must be a tuple of names, such as \('attn', 'mlp'\)"),
        ({"sites": ()}, "name at least one of attn, mlp, block"),
        ({"sites": ("block", "mlp")}, "name 'block' alone or those two"),
        ({"sites": ("attn", "model")}, "Interval.* never plans ratio 1, at which the model is skipped"),
        ({"scheduler": Interval(1.0)}, r"Interval.* calls no site at ratio 1, and Copy\(\) remembers no output"),
        (
            {"scheduler": Program("M .5 1"), "recovery": Cached(), "sites": ("model",)},
            r"ratio=0.5 for sites=\('model',\): a whole model is called or skipped",
        ),
        (
            {"similarity": Cosine("model_output")},
            "compares what the model returned, and sites=.'attn',. leave it",
        ),
        (
            {"similarity": Cosine("model_output"), "sites": ("attn", "model"), "scheduler": EveryStep(0.5)},
            "compares what the model returned a step before, and EveryStep.* knows no steps",
        ),
        ({"sites": ("block", "kv")}, "a 'block' reduces keys with its queries; leave out 'kv'"),
        ({"sites": ("attn", "kv")}, "keys='kept' reduces keys with their queries. Use keys='full'"),
        (
            {
                "sites": ("attn", "kv"),
                "keys": "full",
                "scheduler": Interval(1.0),
                "recovery": Cached(),
            },
            "plans ratio 1, at which an attention is not called and has no keys to reduce. Leave out 'kv'",
        ),
        ({"sites": ("mlp",), "keys": "full"}, "keys='full' is about attention sites"),
        ({"sites": ("stream", "mlp")}, "what is removed from the stream is gone .* Name no other sites beside it"),
        (
            {"sites": ("stream",), "keys": "full"},
            "with keys='full' and share=0: what is removed .* keys='kept' or 'weighted'",
        ),
        ({"sites": ("mlp",), "keys": "weighted"}, "tokens that stand for others for good: name sites=.'stream',."),
        ({"sites": ("stream",)}, "Interval.* reuses what earlier steps made, .* such as EveryStep"),
        ({"scheduler": EveryStep(0.5)}, "signal='output' is known only after a site has run"),
        (
            {"scheduler": EveryStep(0.5), "similarity": Cosine(), "recovery": Cached()},
            "remembers dense outputs, and the scheduler plans no dense step",
        ),
        ({"keys": 3}, "keys=3 is not known. Allowed: kept, weighted, full, recovered, or a recovery"),
        ({"scheduler": Interval(0.8)}, r"ratio=0.8 for method 'custom' is too much .* at most 0.75 of the tokens"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Method(**{**PARTS, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("registered", components("method"), ids=lambda r: r.component.name)
def test_every_registered_method_builds_at_its_levels(registered: tokred.registry.Registered) -> None:
    name = registered.component.name
    ratios = [build_method(name, level).scheduler.ratio for level in registered.component.levels]
    assert len(ratios) >= 3 or not inspect.signature(registered.load()).parameters
    assert build_method(name, {}).name == name


def test_a_method_takes_no_parameters_beside_it() -> None:
    method = Method(**PARTS)  # type: ignore[arg-type]
    assert build_method(method, {}) is method
    with pytest.raises(SpecError, match="Parameters ratio were given beside a Method"):
        build_method(method, {"ratio": 0.5})


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("dito:ratio=0.25,sites=attn+mlp,stride=2x2", {}),
        ("DiTo", {"ratio": 0.25, "sites": ["attn", "mlp"], "stride": [2, 2]}),
        ("dito:ratio=0.25", {"sites": ("attn", "mlp"), "stride": (np.int64(2), np.int32(2))}),
        ("DITO:sites=attn+mlp", {"ratio": np.float64(0.25), "stride": [np.int64(2), 2]}),
    ],
)
def test_a_method_may_be_written_as_people_write_it(name: str, params: dict[str, object]) -> None:
    plain = build_method("dito", {"ratio": 0.25, "sites": ("attn", "mlp"), "stride": (2, 2)})
    built = build_method(name, params)
    assert built == plain
    assert type(built.scheduler.ratio) is float


def test_a_path_is_a_file_of_a_method(tmp_path: Path) -> None:
    method = build_method("dito", {"ratio": 0.25})
    tokred.save_method(method, tmp_path / "mine.json")
    assert build_method(tmp_path / "mine.json", {}) == method
    with pytest.raises(SpecError, match="ratio of method 'dito' is given twice. Leave one of them out"):
        build_method("dito:ratio=0.5", {"ratio": 0.25})
    with pytest.raises(SpecError, match="3 is not a method. Pass a name"):
        build_method(3, {})  # type: ignore[arg-type]


def test_without_a_method_it_is_balanced() -> None:
    with tokred.apply(TinySubject().model) as run:
        assert run.method == build_method("balanced", {})
        run.remove()  # before the block ends: nothing was drawn, of which it would warn


def test_parts_may_be_named() -> None:
    named = tokred.compose(
        similarity="cosine:signal=output",
        matcher="grid:stride=2x4",
        scheduler="interval:ratio=0.5,interval=3",
        recovery=Copy(),
    )
    assert named == Method(
        similarity=Cosine("output"), matcher=GridMatcher((2, 4)), scheduler=Interval(0.5, 3), recovery=Copy()
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"similarity": "cosin"}, "Unknown similarity 'cosin'. Known: .*Did you mean 'cosine'?"),
        ({"similarity": "cosine:signal=out"}, "Unknown signal 'out'. Known: .*Did you mean 'output'?"),
        ({"scheduler": "interval"}, "scheduler 'interval' needs ratio. Write interval:ratio=VALUE, or pass an object"),
        ({"keys": "cache"}, "Unknown recovery 'cache'. Known: .*Did you mean 'cached'?"),
    ],
)
def test_a_name_that_is_wrong_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        tokred.compose(**{**PARTS, **change})


def test_keys_may_come_back_by_a_recovery_of_their_own() -> None:
    assert tokred.compose(**PARTS, keys="cached").recovery_of_keys == Cached()
    kept = tokred.compose(**PARTS)
    assert (kept.attended, kept.recovery_of_keys) == ("kept", Copy())


def test_a_method_is_changed_by_replacing_a_field_and_checked_again() -> None:
    method = build_method("dito", {})
    assert dataclasses.replace(method, keys="full").keys == "full"
    with pytest.raises(SpecError, match="keys='none' is not known"):
        dataclasses.replace(method, keys="none")


def test_unknown_names_offer_the_nearest() -> None:
    for name in ("ditoo", "DiToo"):
        with pytest.raises(UnknownName, match=f"Unknown method '{name}'. Known: .*Did you mean 'dito'?"):
            build_method(name, {})
    with pytest.raises(UnknownName, match="Unknown parameter of method 'dito': 'ratoi'.*Did you mean 'ratio'?"):
        build_method("dito", {"ratoi": 0.5})


def test_a_baseline_is_no_method() -> None:
    with pytest.raises(
        SpecError, match="'fewer_steps' is a baseline and reduces no tokens: .*tokred bench --method fewer_steps"
    ):
        build_method("fewer_steps", {})


def test_parameters_are_read_by_their_types() -> None:
    dito = next(r.component for r in components("method") if r.component.name == "dito").load()
    text = "ratio=0.25,interval=3,signal=input,stride=2x4,sites=attn+mlp"
    assert parse_parameters("method 'dito'", dito, text) == {
        "ratio": 0.25,
        "interval": 3,
        "signal": "input",
        "stride": (2, 4),
        "sites": ("attn", "mlp"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ratio=half", "ratio=half cannot be read: the value must be float"),
        ("interval=2.5", "interval=2.5 cannot be read: the value must be int"),
        ("stride=2xa", "stride=2xa cannot be read: the value must be whole numbers such as 2x2"),
        ("ratio", "'ratio' of method 'dito' has no value. Write ratio=VALUE"),
        ("ratoi=1", "Unknown parameter of method 'dito': 'ratoi'"),
    ],
)
def test_parameters_that_cannot_be_read_are_refused(text: str, message: str) -> None:
    dito = next(r.component for r in components("method") if r.component.name == "dito").load()
    with pytest.raises(SpecError, match=message):
        parse_parameters("method 'dito'", dito, text)


def test_random_flag_is_read_and_refused() -> None:
    tomesd = next(r.component for r in components("method") if r.component.name == "tomesd").load()
    assert parse_parameters("method 'tomesd'", tomesd, "random=false") == {"random": False}
    with pytest.raises(SpecError, match="random=no cannot be read: the value must be true or false"):
        parse_parameters("method 'tomesd'", tomesd, "random=no")


def test_parameters_may_be_inherited_from_another_module() -> None:
    assert build_part("similarity", "cosine:signal=key") == Cosine("key")
    assert parameter_hints(Cosine)["signal"] == Signal
