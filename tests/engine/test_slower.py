"""The warning that a method makes a model slower, on a CUDA device that is not there."""

from __future__ import annotations

import warnings

import pytest
import torch
from families.tiny_pipelines import PIPELINE

import tokred
from tokred.engine import slower
from tokred.estimation.asked import find_model
from tokred.estimation.devices import DEVICES, named
from tokred.estimation.released import pretended


def said(method: str, pixels: int, device: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is warned of in the first two steps of DiT-XL/2's width, two blocks deep."""
    monkeypatch.setattr(slower, "device_of", lambda tensor: DEVICES[device])
    model = find_model("dit-xl-2")
    shallow = type(model)(**vars(model) | {"config": {**model.config, "num_layers": 2}})
    subject = pretended(shallow, pixels, steps=8)
    with subject.mode, tokred.apply(subject.model, method), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", tokred.SlowerWarning)
        subject.step(0)
        subject.step(1)
    return [str(each.message) for each in caught if each.category is tokred.SlowerWarning]


@pytest.mark.parametrize(
    ("method", "pixels", "device", "slow"),
    [
        ("dito:ratio=0.5", 512, "h200", True),
        ("dito:ratio=0.5", 1024, "t4", False),
        ("tomesd:ratio=0.5", 256, "h200", True),
        ("balanced", 256, "h200", False),
    ],
)
def test_it_is_said_once_and_only_where_a_method_is_slower(
    method: str, pixels: int, device: str, slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = said(method, pixels, device, monkeypatch)
    assert len(messages) == slow
    assert all("compile_repeated_blocks" in each and "tokred.SlowerWarning" in each for each in messages)


def test_nothing_is_said_of_compiled_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slower.SlowerCheck, "_speedup", lambda *_: 0.5)
    monkeypatch.setattr(slower, "device_of", lambda tensor: DEVICES["h200"])
    pipeline = PIPELINE["wan"]
    for compiled in (False, True):
        pipe = pipeline.pipe()
        with tokred.apply(pipe, "tomesd:ratio=0.25"), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", tokred.SlowerWarning)
            if compiled:
                for block in pipe.transformer.blocks:
                    block.compile(backend="eager")
            pipeline.generate(pipe, steps=1)
        assert [each.category for each in caught].count(tokred.SlowerWarning) == (not compiled)


def test_nothing_is_said_on_a_cpu_or_of_tensors_without_contents() -> None:
    assert slower.device_of(torch.zeros(1)) is None
    subject = pretended(find_model("dit-xl-2"), 64, steps=2, tiny=True)
    with subject.mode:
        assert slower.device_of(torch.zeros(1, device="cuda")) is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("NVIDIA H200", "h200"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
        ("NVIDIA L4", "l4"),
    ],
)
def test_a_device_is_known_by_the_name_that_cuda_has_for_it(name: str, key: str) -> None:
    assert named(name) is DEVICES[key]
    assert named("NVIDIA B300") is None
