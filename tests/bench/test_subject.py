"""A model of the zoo as a subject."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from bench.tiny import NAME, write_tiny_zoo

from tokred.bench import load_subject
from tokred.bench.subject import check_device
from tokred.errors import SpecError, UnknownName
from tokred.zoo import catalog


def test_a_zoo_model_draws_as_the_zoo_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny_zoo(tmp_path)
    monkeypatch.setattr(catalog, "MODELS", tmp_path)
    subject = load_subject(NAME)
    assert subject.name == NAME
    assert torch.equal(subject.generate([1, 2], 2), subject.model.generate(subject.pipe, [1, 2], 2))
    with pytest.raises(UnknownName, match="Did you mean 'tiny-dit'"):
        load_subject("tiny-dot")


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    check_device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SpecError, match="device='cuda' is not there: PyTorch sees no CUDA device"):
        check_device("cuda")
    with pytest.raises(SpecError, match=r"device='tpu' is not known\. Allowed: cpu, cuda"):
        check_device("tpu")
