"""A whole benchmark as a file: read, checked, written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tokred.bench import parse_contenders
from tokred.bench.run_file import Asked, RunFile, check_place, read_values
from tokred.errors import OutputError, SpecError


def read(path: Path) -> RunFile:
    return RunFile.of(read_values(path), path.name)


WHOLE: dict[str, Any] = {
    "model": "./pipe",
    "prompts": "prompts.txt",
    "size": "768x1024",
    "call": {"guidance_scale": 3.5, "max_sequence_length": 128},
    "methods": ["balanced", {"DiTo": {"ratio": 0.123456789, "sites": ["attn", "mlp"], "stride": [2, 2]}}],
    "against": "balanced",
    "samples": 4,
    "seed": 7,
}


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_yaml_and_json_say_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    path.write_text(json.dumps(WHOLE) if suffix == ".json" else yaml.safe_dump(WHOLE))
    run = read(path)
    assert run == RunFile(
        asked=Asked(model="./pipe", prompts="prompts.txt", size="768x1024", call=WHOLE["call"]),
        methods=("balanced", "DiTo:ratio=0.123456789,sites=attn+mlp,stride=2x2"),
        against=("balanced",),
        samples=4,
        seed=7,
    )
    params = {"ratio": 0.123456789, "sites": ("attn", "mlp"), "stride": (2, 2)}
    assert parse_contenders(run.methods)[1].params == params


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    run = RunFile.of(WHOLE, "the test")
    run.write(tmp_path / "run.yaml")
    assert read(tmp_path / "run.yaml") == run
    assert list(yaml.safe_load((tmp_path / "run.yaml").read_text())) == [
        "model", "prompts", "size", "call", "methods", "against", "samples", "seed"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("methods: [dito]", "r.yaml names no model. Say which by `model: NAME`, or by --model"),
        ("model: x\nsample: 3", "Unknown key of r.yaml: 'sample'. Known: .* Did you mean 'samples'?"),
        ("model: x\nsamples: many", r"r.yaml.samples must be an integer, not 'many'"),
        ("model: x\npairs: 1.5", r"r.yaml.pairs must be an integer, not 1.5"),
        ("model: 3", r"r.yaml.model must be a string, not 3"),
        ("model: x\nmethods: [3]", r"r.yaml.methods\[0\] must be a string, not 3"),
        ("model: x\nmethods: [{a: {b: 1}, c: {}}]", r"methods\[0\] must be a text, or one name with its parameters"),
        ("model: x\nmethods: [{dito: 0.5}]", r"methods\[0\] must be a text, or one name with its parameters"),
        ("model: x\nmethods: [{dito: {ratio: {a: 1}}}]", r"methods\[0\].dito.ratio must be a number, a text"),
        ("model: x\ncall: [1]", r"r.yaml.call must be an object, not \[1\]"),
        ("- a", "must hold keys with values, such as `model: emoji-flux`, not"),
        ("model: [", "r.yaml is not valid YAML: .*line 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(SpecError, match=message):
        read(tmp_path / "r.yaml")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none.yaml cannot be read: .* Name a .yaml or .json"):
        read_values(tmp_path / "none.yaml")
    with pytest.raises(SpecError, match=r"run.toml must be a .yaml or .json"):
        read_values(tmp_path / "run.toml")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(SpecError, match=r"run.json is not valid JSON"):
        read_values(tmp_path / "run.json")


def test_no_object_of_the_files_is_made(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("model: !!python/object/apply:os.getcwd []")
    with pytest.raises(SpecError, match="is not valid YAML: could not determine a constructor"):
        read_values(tmp_path / "run.yaml")


def test_the_file_that_was_read_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("model: x")
    run = RunFile(asked=Asked(model="x"), out=str(tmp_path))
    check_place(run, path, changed=False)
    check_place(run, None, changed=True)
    with pytest.raises(OutputError, match="would be written over with what the options change. Name another folder"):
        check_place(run, path, changed=True)
