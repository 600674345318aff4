"""A model of the zoo is loaded as the subject that it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from bench.made import made_results, made_row
from bench.tiny import CLASSIFIER, NAME

from tokred.bench import Results, find_metric, load_subject
from tokred.bench.classifying import ClassifyingSubject
from tokred.bench.drawing import DrawingSubject
from tokred.bench.subject import check_device
from tokred.errors import SpecError, UnknownName
from tokred.zoo import catalog


@pytest.mark.parametrize(("name", "kind"), [(NAME, DrawingSubject), (CLASSIFIER, ClassifyingSubject)])
def test_a_model_that_draws_and_one_that_does_not(
    zoo_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: type
) -> None:
    monkeypatch.setattr(catalog, "MODELS", zoo_folder)
    subject = load_subject(name)
    assert (type(subject), subject.name, subject.device) == (kind, name, torch.device("cpu"))
    with pytest.raises(UnknownName, match=f"Did you mean '{name}'"):
        load_subject(name.replace("tiny", "tyny"))


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    check_device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SpecError, match="device='cuda' is not there: PyTorch sees no CUDA device"):
        check_device("cuda")
    with pytest.raises(SpecError, match=r"device='tpu' is not known\. Allowed: cpu, cuda, cuda:1"):
        check_device("tpu")
    with pytest.raises(SpecError, match="device='meta' is not there"):
        check_device("meta")


def test_the_first_metric_or_the_one_that_is_named(results: Results) -> None:
    assert find_metric(results).name == "psnr"
    assert find_metric(results, "lpips").higher is False
    assert find_metric(made_results(made_row("a", {}, 1, 1, (1, 0), "agreement"))).name == "agreement"


def test_metrics_that_were_not_measured_are_refused(results: Results) -> None:
    known = f"Known: {', '.join(sorted(results.rows[0].scores))}"
    for name in ("psrn", "top1"):
        with pytest.raises(UnknownName, match=f"Unknown metric of these results: '{name}'. {known}"):
            find_metric(results, name)
    with pytest.raises(UnknownName, match="Unknown metric 'of another kind'"):
        find_metric(made_results(made_row("a", {}, 1, 1, (1, 0), "of another kind")))
