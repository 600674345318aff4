"""Which runs a reference means."""

from __future__ import annotations

from typing import Any

import pytest

from tokred.bench.reference import Reference, parse_references
from tokred.errors import SpecError, UnknownName

RUNS: list[tuple[str, dict[str, Any]]] = [
    ("dito", {"ratio": 0.5, "interval": 3}),
    ("dito", {"ratio": 0.5, "interval": 3, "signal": "input"}),
    ("dito", {"ratio": 2 / 3, "stride": [2, 4], "sites": ["attn", "mlp"], "signal": "input"}),
    ("tomesd", {"ratio": 0.5, "mlp": True}),
]


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("dito", [0, 1, 2]),
        ("dito:", [0, 1, 2]),
        ("dito:signal=input", [1, 2]),
        ("dito:signal=input,ratio=0.50", [1]),
        ("dito: signal = input , ratio=5e-1", [1]),
        ("dito:ratio=0.667", [2]),
        ("dito:interval=3", [0, 1]),
        ("dito:interval=*", [0, 1]),
        ("dito:signal=*,ratio=*", [1, 2]),
        ("dito:stride=2x4,sites=attn+mlp", [2]),
        ("tomesd:mlp=true", [3]),
        ("tomesd", [3]),
    ],
)
def test_runs_that_have_the_values(text: str, selected: list[int]) -> None:
    reference = Reference.parse(text)
    assert [index for index, run in enumerate(RUNS) if reference.selects(run)] == selected
    reference.check(RUNS)


@pytest.mark.parametrize(
    "text", ["dito:interval=4", "dito:penalty=*", "dito:signal=1", "tomesd:mlp=1", "tomesd:signal=input"]
)
def test_runs_that_have_not(text: str) -> None:
    assert not any(map(Reference.parse(text).selects, RUNS))


def test_tuples_are_lists_in_a_file_and_mean_the_same() -> None:
    reference = Reference.parse("dito:stride=2x4")
    assert reference.selects(("dito", {"stride": (2, 4)}))
    assert reference.selects(("dito", {"stride": [2, 4]}))


def test_a_twin_has_the_rest() -> None:
    reference = Reference.parse("dito:signal=input")
    assert reference.rest(RUNS[1][1]) == reference.rest(RUNS[0][1]) == {"ratio": 0.5, "interval": 3}


def test_what_is_named_twice_is_one_reference() -> None:
    assert [each.text for each in parse_references(["tomesd", "dito:ratio=0.5", "tomesd"])] == [
        "tomesd",
        "dito:ratio=0.5",
    ]


def test_a_parameter_without_a_value_is_refused() -> None:
    for text in ("dito:ratio", "dito:ratio="):
        with pytest.raises(SpecError, match=r"'ratio' of --against dito:ratio=? has no value\. Write ratio=VALUE"):
            Reference.parse(text)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"Unknown reference 'dita'\. Known: dito, tomesd\. Did you mean 'dito'\?"):
        Reference.parse("dita").check(RUNS)


def test_a_reference_without_runs_is_refused_with_what_there_is() -> None:
    message = (
        r"No run fits the reference tomesd:ratio=0\.25\. The runs of tomesd have: ratio=0\.5,mlp=true\. Name parameters"
    )
    with pytest.raises(SpecError, match=message):
        Reference.parse("tomesd:ratio=0.25").check(RUNS)
    with pytest.raises(SpecError, match=r"The runs of random have: no parameters\."):
        Reference.parse("random:ratio=0.25").check([("random", {})])


def test_a_reference_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="Every run fits the reference dito, and none is left to compare with it"):
        Reference.parse("dito").check(RUNS[:3])
