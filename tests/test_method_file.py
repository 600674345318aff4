"""Methods as JSON files: what was saved is read, and everything else is refused, with the place."""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from families.models import BY_NAME

import tokred
from tokred import Method, OutputError, SpecError, read_method, save_method
from tokred.bench.contender import parse_contenders
from tokred.parts import (
    Cached,
    Copy,
    Cosine,
    Delta,
    Forecast,
    FrequencyPenalty,
    GridMatcher,
    Interval,
    Oracle,
    Planned,
)
from tokred.registry import build_method, components

MINE: dict[str, Any] = {
    "schema": 1,
    "name": "mine",
    "similarity": {"name": "cosine", "params": {"signal": "output"}},
    "matcher": {"name": "grid", "params": {"stride": [2, 4]}},
    "scheduler": {"name": "interval", "params": {"ratio": 0.5, "interval": 3}},
    "recovery": {"name": "copy"},
    "sites": ["attn", "mlp"],
}
MUTANTS, SLOWEST_SECONDS = 10_000, 0.05


def changed(path: str, value: Any) -> dict[str, Any]:
    """Replace or add one entry of `MINE`; dots lead into objects."""
    data = copy.deepcopy(MINE)
    *outer, last = path.split(".")
    place = data
    for name in outer:
        place = place[name]
    place[last] = value
    return data


def write(folder: Path, data: Any) -> Path:
    path = folder / "mine.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


@pytest.mark.parametrize("registered", components("method"), ids=lambda r: r.component.name)
def test_every_built_in_method_comes_back_as_it_was(tmp_path: Path, registered: Any) -> None:
    for level in registered.component.levels:
        method = build_method(registered.component.name, level)
        save_method(method, tmp_path / "saved.json")
        assert read_method(tmp_path / "saved.json") == method


def test_every_parameter_comes_back(tmp_path: Path) -> None:
    method = Method(
        similarity=Cosine("block_input"),
        matcher=GridMatcher((3, 2), random=False, penalty=FrequencyPenalty(0.1, 0.2, 0.5)),
        scheduler=Planned(0.25, (0.0, 0.3)),
        recovery=Cached(),
        merge="mean",
        sites=("mlp",),
        share=3,
        memory="half",
        seed=7,
        name="näme",
        paper="none",
    )
    save_method(method, tmp_path / "saved.json")
    assert read_method(tmp_path / "saved.json") == method


def test_parts_of_parts_and_the_recovery_of_keys_come_back(tmp_path: Path) -> None:
    method = Method(
        similarity=Cosine("output"),
        matcher=GridMatcher(),
        scheduler=Oracle(Interval(0.5, 3)),
        recovery=Delta(Forecast(2), "fitted"),
        keys=Delta(Cached(), 0.5),
    )
    save_method(method, tmp_path / "saved.json")
    assert read_method(tmp_path / "saved.json") == method
    recovery = json.loads((tmp_path / "saved.json").read_text())["recovery"]
    assert recovery["params"] == {
        "base": {"name": "forecast", "params": {"order": 2, "variable": "log_snr", "update": False}},
        "gain": "fitted",
    }


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ({"name": "forecast", "params": {"variable": "t"}}, r"params\.variable must be one of 'log_snr', 'noise'"),
        ({"name": "forecast", "params": {"order": 3}}, r"recovery\.params\.base\.params: order=3\.0 must be a number"),
        ({"name": "forcast"}, r"recovery\.params\.base\.name: Unknown recovery 'forcast'.*Did you mean 'forecast'"),
        ({"name": "copy"}, r"recovery\.params: base=Copy\(\) remembers nothing"),
        ("cached", r"recovery\.params\.base must be an object"),
    ],
)
def test_a_part_of_a_part_is_refused_with_its_place(tmp_path: Path, base: Any, said: str) -> None:
    file = write(tmp_path, changed("recovery", {"name": "delta", "params": {"base": base}}))
    with pytest.raises(SpecError, match=said):
        read_method(file)


def test_a_file_written_by_hand_may_leave_out_what_has_defaults(tmp_path: Path) -> None:
    assert read_method(write(tmp_path, MINE)) == Method(
        name="mine",
        similarity=Cosine("output"),
        matcher=GridMatcher((2, 4)),
        scheduler=Interval(0.5, 3),
        recovery=Copy(),
        sites=("attn", "mlp"),
    )


def test_apply_and_bench_take_a_file(tmp_path: Path) -> None:
    path, family = str(write(tmp_path, MINE)), BY_NAME["dit"]
    model = family.model()
    with tokred.apply(model, path) as run:
        family.generate(model)
        assert run.method.name == "mine"
    (contender,) = parse_contenders([path])
    assert (contender.label, contender.entrant) == (path, read_method(path))


def test_a_file_takes_no_parameters(tmp_path: Path) -> None:
    path = str(write(tmp_path, MINE))
    with pytest.raises(SpecError, match="a file takes no parameters. Change the file"):
        parse_contenders([f"{path}:ratio=0.5"])
    with pytest.raises(SpecError, match="Parameters ratio were given beside a Method"):
        build_method(path, {"ratio": 0.5})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "mine.json: the file is not valid JSON: Expecting property name"),
        ("[" * 100_000, "mine.json: the file is not valid JSON: maximum recursion depth"),
        ('{"schema": 1, "schema": 1}', "'schema' is there 2 times in one object"),
        ('{"schema": NaN}', "NaN is not a JSON number"),
        (" " * 2**20 + "{}", "the file has more than 1048576 bytes"),
        ([], r"the method must be an object, not \[\]"),
        ({}, "the method lacks schema, similarity, matcher, scheduler, recovery"),
        (changed("schema", 2), "schema is 2, and this version of tokred reads 1"),
        (changed("site", ["attn"]), "Unknown field of the method 'site'. .* Did you mean 'sites'?"),
        (changed("sites", "attn"), "sites must be a list, not 'attn'"),
        (
            changed("sites", ["attention"]),
            r"sites\[0\] must be one of 'attn', 'mlp', 'block', 'kv', 'stream', 'model', not 'attention'",
        ),
        (changed("seed", 2**80), "seed=1208925819614629174706176 must be an integer"),
        (changed("matcher", "grid"), "matcher must be an object, not 'grid'"),
        (changed("matcher.name", "gird"), "matcher.name: Unknown matcher 'gird'. .* Did you mean 'grid'?"),
        (changed("matcher.name", 3), "matcher.name must be a string, not 3"),
        (changed("matcher.params", []), r"matcher.params must be an object, not \[\]"),
        (changed("matcher.params.strid", [2, 2]), "Unknown field of matcher.params 'strid'. .* Did you mean 'stride'?"),
        (changed("matcher.params.stride", [2]), r"matcher.params: stride=\(2,\) must be a pair \(sy, sx\)"),
        (changed("matcher.params.stride", [2, 0.5]), r"matcher.params.stride\[1\] must be an integer, not 0.5"),
        (changed("matcher.params.stride", [2, 0]), "matcher.params: stride: sx=0 must be an integer of at least 1"),
        (changed("matcher.params.random", 1), "matcher.params.random must be true or false, not 1"),
        (changed("matcher.params.penalty", {}), "matcher.params.penalty must have exactly the fields source"),
        (changed("scheduler.params", {}), "scheduler.params lacks ratio. Its fields: ratio, interval, dense_first"),
        (changed("scheduler.params.ratio", 10**400), "scheduler.params.ratio must be a finite number"),
        (changed("scheduler.params.ratio", 1.5), "scheduler.params: ratio=1.5 must be a number in"),
        (changed("scheduler.params.ratio", 0.99), "ratio=0.99 for method 'mine' is too much"),
        (changed("recovery.name", "dito"), "recovery.name: Unknown recovery 'dito'"),
        (changed("recovery.target", "os:system"), "Unknown field of recovery 'target'"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, data: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read_method(write(tmp_path, data))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="none.json: the file cannot be read: No such file"):
        read_method(tmp_path / "none.json")


@dataclass(frozen=True)
class Unregistered(Cosine):
    pass


def test_a_part_that_is_not_registered_cannot_be_saved(tmp_path: Path) -> None:
    method = tokred.compose(
        similarity=Unregistered(), matcher="grid", scheduler="every_step:ratio=0.5", recovery="copy"
    )
    with pytest.raises(SpecError, match=r"similarity=Unregistered.* cannot be saved: Unregistered is not registered"):
        save_method(method, tmp_path / "mine.json")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    method = tokred.compose(similarity="cosine", matcher="grid", scheduler="every_step:ratio=0.5", recovery="copy")
    with pytest.raises(OutputError, match="cannot be written: .*Name a file in a folder that you may write to"):
        save_method(method, tmp_path / "none" / "mine.json")


VALUES: tuple[Any, ...] = (None, True, 0, -1, 2, 10**30, 0.5, -0.0, 1e308, "", "attn", "grid", "\ud83d", [], [[]], {})


def mutants(text: str, seed: int) -> Iterator[bytes]:
    """Change values, names and structure of a valid file, and bytes of its text."""
    chance = random.Random(seed)
    for _ in range(MUTANTS):
        data = json.loads(text)
        for _ in range(chance.randint(1, 3)):
            mutate(data, chance)
        made = json.dumps(data).encode()
        if chance.random() < 0.3:
            at, length = chance.randrange(len(made)), chance.randint(0, 4)
            made = made[:at] + chance.randbytes(chance.randint(0, 4)) + made[at + length :]
        yield made


def mutate(data: Any, chance: random.Random) -> None:
    """Change something somewhere in an object, in place."""
    places = [data]
    for place in places:
        places += [
            v for v in (place.values() if isinstance(place, dict) else place) if isinstance(v, dict | list) and v
        ]
    place = chance.choice(places)
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    key = chance.choice(keys)
    what = chance.random()
    if what < 0.6:
        place[key] = copy.deepcopy(chance.choice(VALUES))
    elif what < 0.8:
        del place[key]
    elif isinstance(place, dict):
        place[f"{key}{chance.choice('x_ ')}"] = place.pop(key)


def test_ten_thousand_mutants_are_methods_or_refused(tmp_path: Path) -> None:
    save_method(build_method("dito", {"penalty": 0.1}), tmp_path / "saved.json")
    read_method(tmp_path / "saved.json")  # what is imported on first use
    with pytest.raises(SpecError):  # and what is looked for where a name is not built in
        read_method(write(tmp_path, changed("matcher.name", "unheard of")))
    path, read, slowest = tmp_path / "mutant.json", 0, 0.0
    for mutant in mutants((tmp_path / "saved.json").read_text(), seed=0):
        path.write_bytes(mutant)
        began = time.process_time()
        try:
            method = read_method(path)
        except SpecError:
            method = None
        slowest = max(slowest, time.process_time() - began)
        if method is not None:
            read += 1
            torch.Generator().manual_seed(method.seed)
    assert 0 < read < MUTANTS / 2, "some are methods still, most are not"
    assert slowest < SLOWEST_SECONDS
