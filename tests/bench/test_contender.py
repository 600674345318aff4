"""What the command line's words become."""

from __future__ import annotations

import pytest
from bench.tiny import TinySubject

from tokred.bench.contender import Contender, parse_contenders, written
from tokred.engine.run import Run
from tokred.errors import SpecError, UnknownName
from tokred.registry import components


def labels(*texts: str) -> list[str]:
    return [contender.label for contender in parse_contenders(texts)]


def test_nothing_named_stands_for_every_level_of_everything() -> None:
    expected = [
        (kind, registered.component.name, dict(level))
        for kind in ("method", "baseline")
        for registered in components(kind)  # type: ignore[arg-type]
        for level in registered.component.levels
    ]
    assert [(c.kind, c.name, dict(c.params)) for c in parse_contenders()] == expected


def test_a_name_stands_for_its_levels() -> None:
    assert labels("tomesd") == ["tomesd ratio=0.25", "tomesd ratio=0.5", "tomesd ratio=0.75"]


def test_parameters_make_one_run() -> None:
    (contender,) = parse_contenders(["dito:ratio=0.25,interval=3,stride=2x4,sites=attn+mlp,signal=input"])
    params = {"ratio": 0.25, "interval": 3, "stride": (2, 4), "sites": ("attn", "mlp"), "signal": "input"}
    assert contender.params == params
    assert contender.label == "dito ratio=0.25 interval=3 stride=2x4 sites=attn+mlp signal=input"
    assert contender.entrant.scheduler.interval == 3


def test_a_colon_alone_means_the_defaults() -> None:
    (contender,) = parse_contenders(["dito:"])
    assert contender.params == {}
    assert contender.label == "dito"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2 / 3, "0.667"),
        (0.5, "0.5"),
        (True, "true"),
        ((2, 4), "2x4"),
        ((0.9, 0.85), "0.9+0.85"),
        (("attn",), "attn"),
        (7, "7"),
        ("kept", "kept"),
    ],
)
def test_values_are_written_as_they_are_read(value: object, text: str) -> None:
    assert written(value) == text


def test_only_baselines_change_the_steps() -> None:
    dito, fewer = parse_contenders(["dito:ratio=0.5", "fewer_steps:share=0.5"])
    assert (dito.steps(10), fewer.steps(10)) == (10, 5)


def test_a_method_gives_its_run_and_a_baseline_none(subject: TinySubject) -> None:
    def given(contender: Contender) -> object:
        with contender.applied(subject.model) as run:
            return run

    method, baseline = map(given, parse_contenders(["dito:", "fewer_steps:"]))
    assert isinstance(method, Run)
    assert baseline is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ditto", r"Unknown method or baseline 'ditto'\. Known: .*fewer_steps.*Did you mean 'dito'\?"),
        ("dito:ration=0.5", r"Unknown parameter of method 'dito': 'ration'\..*Did you mean 'ratio'\?"),
        ("fewer_steps:part=0.5", r"Unknown parameter of baseline 'fewer_steps': 'part'\. Known: share"),
        ("dito:ratio=1.5", r"ratio=1\.5 must be a number in \[0, 1"),
        ("dito:ratio=nan", r"ratio=nan must be a number in \[0, 1"),
        ("dito:ratio=0.9", r"ratio=0\.9 for method 'dito' is too much .* at most 0\.75"),
        ("dito:ratio=half", r"ratio=half cannot be read: the value must be float"),
        ("dito:ratio", r"'ratio' of method 'dito' has no value"),
        ("dito:interval=1", r"interval=1 must be an integer of at least 2"),
        ("dito:signal=keys", r"Unknown signal 'keys'\. .* Did you mean 'key'"),
        ("fewer_steps:share=0", r"share=0\.0 must be above 0"),
        ("step_cache:dense_first=0", r"dense_first=0 must be an integer of at least 1"),
    ],
)
def test_what_is_wrong_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_contenders([text])


def test_an_unknown_name_is_an_unknown_name() -> None:
    with pytest.raises(UnknownName):
        parse_contenders(["nothing"])


def test_the_same_run_twice_is_refused() -> None:
    with pytest.raises(SpecError, match=r"The run 'tomesd ratio=0\.5' is asked for 2 times"):
        parse_contenders(["tomesd", "tomesd:ratio=0.5"])
