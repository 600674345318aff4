"""A saved model is the plain one; a deep copy has a run of its own, and each can be freed of it."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from engine.setups import Setup
from families.pipelines import PIPELINE
from torch import nn

import tokred
from tokred.engine.ledger import Ledger
from tokred.testing.snapshot import changes, snapshot
from tokred_adapters import tiny

HOSTS = {host.name: host for host in tiny.hosts()}
CASES = [
    ("flux", "balanced"),
    ("flux", "dito"),
    ("wan", "tomesd"),
    ("sdxl", "toma"),
    ("sd3", "delta"),
    ("vit", "tome"),
    ("hf-clip", "pitome"),
]
applied = pytest.mark.parametrize(("name", "method"), CASES)


def names_of(model: nn.Module) -> dict[str, set[str]]:
    return {name: set(vars(module)) for name, module in model.named_modules()}


@applied
def test_a_saved_model_is_the_plain_one(name: str, method: str) -> None:
    host = HOSTS[name]
    model = host.model()
    plain, dense = names_of(model), host.generate(model, steps=6)
    with tokred.apply(model, method):
        reduced = host.generate(model, steps=6)
        torch.save(model, file := io.BytesIO())
        assert torch.equal(host.generate(model, steps=6), reduced), "saving it changes nothing"
    loaded = torch.load(io.BytesIO(file.getvalue()), weights_only=False)
    assert names_of(loaded) == plain
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in loaded.modules())
    assert torch.equal(host.generate(loaded, steps=6), dense)


def test_a_saved_model_is_read_where_tokred_is_not(tmp_path: Path) -> None:
    model = HOSTS["vit"].model()
    with tokred.apply(model, "tome"):
        pickle.dump(model, (tmp_path / "model").open("wb"))
    code = "import sys, pickle; sys.modules['tokred'] = None; pickle.load(open('model', 'rb'))"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@applied
def test_a_copy_has_a_run_of_its_own(name: str, method: str) -> None:
    host = HOSTS[name]
    model = host.model()
    before, dense = snapshot(model), host.generate(model, steps=6)
    tokred.apply(model, method)
    reduced = host.generate(model, steps=6)
    twin = copy.deepcopy(model)
    tokred.remove(model)
    assert changes(before, snapshot(model)) == []
    assert torch.equal(host.generate(twin, steps=6), reduced)
    tokred.remove(twin)
    assert names_of(twin) == names_of(model)
    assert torch.equal(host.generate(twin, steps=6), dense)


@pytest.mark.parametrize("first", ["copy", "original"])
def test_a_copied_pipeline_goes_on_when_the_other_is_freed(first: str) -> None:
    pipeline = PIPELINE["FluxPipeline"]
    pipe = pipeline.build()
    dense = pipeline.generate(pipe, steps=6)
    tokred.apply(pipe, "balanced")
    reduced = pipeline.generate(pipe, steps=6)
    twin = copy.deepcopy(pipe)
    freed, other = (twin, pipe) if first == "copy" else (pipe, twin)
    tokred.remove(freed)
    assert torch.equal(pipeline.generate(other, steps=6), reduced)
    assert torch.equal(pipeline.generate(freed, steps=6), dense)
    tokred.remove(other)
    assert torch.equal(pipeline.generate(other, steps=6), dense)
    assert "step" not in vars(pipe.scheduler)
    assert "step" not in vars(twin.scheduler)


def test_an_average_of_weights_can_be_freed() -> None:
    host = HOSTS["vit"]
    model = host.model()
    dense = host.generate(model)
    with tokred.apply(model, "tome"):
        average = torch.optim.swa_utils.AveragedModel(model)
    tokred.remove(average)
    assert torch.equal(host.generate(average.module), dense)


def test_a_lost_run_is_found() -> None:
    pipe = PIPELINE["StableDiffusion3Pipeline"].build()
    before = snapshot(pipe.transformer)
    tokred.apply(pipe, "dito")
    gc.collect()
    tokred.remove(pipe)
    tokred.remove(pipe)
    assert changes(before, snapshot(pipe.transformer)) == []


@pytest.mark.parametrize(("name", "setup"), [("flux", Setup("dito")), ("wan", Setup("balanced"))], ids=str)
def test_a_report_is_plain_data_and_short(name: str, setup: Setup) -> None:
    host = HOSTS[name]
    model = host.model()
    with setup.apply(model) as run:
        host.generate(model, steps=28)
        report: Any = run.report()
    gone = weakref.ref(model)
    del model, run
    gc.collect()
    assert gone() is None, "it holds no model"
    assert pickle.loads(pickle.dumps(report)).calls == report.calls
    assert len(pickle.dumps(report)) < 20_000
    assert len(repr(report)) < 1_000


@pytest.mark.parametrize(("name", "method"), [("flux", "dito"), ("wan", "balanced"), ("sd3", "delta")])
def test_memory_is_let_go_on_request(name: str, method: str) -> None:
    host = HOSTS[name]
    model = host.model()
    with tokred.apply(model, method) as run:
        drawn = host.generate(model, steps=6)
        assert held(run) > 0
        calls = run.report().calls
        run.forget()
        assert held(run) == 0
        assert run.report().calls == calls
        assert torch.equal(host.generate(model, steps=6), drawn)


def held(run: tokred.Run) -> int:
    """Count the bytes of tensors that generations hold, found from the run by the garbage collector's edges."""
    gc.collect()
    weights = {id(tensor) for model in run.models.values() for tensor in (*model.parameters(), *model.buffers())}
    seen, found, total = {id(run)}, [run], 0
    while found:
        value = found.pop()
        if isinstance(value, torch.Tensor):
            total += 0 if id(value) in weights or value.dim() < 2 else value.nbytes
        if isinstance(value, (nn.Module, torch.Tensor, type, type(sys), Ledger)):  # a ledger is what reports say
            continue
        fresh = [each for each in gc.get_referents(value) if id(each) not in seen and "tokred" in _home(each)]
        seen |= {id(each) for each in fresh}
        found += fresh
    return total


def _home(value: Any) -> str:
    """Say where a value's class is from; containers and tensors count as tokred's."""
    return "tokred" if isinstance(value, (dict, list, tuple, torch.Tensor)) else type(value).__module__
