"""A subject that draws."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from bench.tiny import STEPS, TinySubject

from tokred.bench import load_subject
from tokred.errors import WeightsError
from tokred.metrics import Metric, lpips
from tokred.registry import default_registry
from tokred.zoo import catalog


def test_it_draws_as_the_zoo_does(subject: TinySubject) -> None:
    pictures = subject.generate([1, 2], 2)
    assert torch.equal(pictures, subject.zoo.generate(subject.model, [1, 2], 2))
    assert (pictures.shape, pictures.requires_grad) == ((2, 3, 32, 32), False)
    assert subject.truth([1, 2]) is None


def test_what_is_not_given_is_what_the_model_is_meant_for(subject: TinySubject) -> None:
    settings = subject.settings()
    assert (settings.steps, settings.samples, settings.pairs) == (STEPS, 16, 3)
    assert (settings.batch, settings.timing_batch, settings.seeds) == (8, 2, tuple(range(16)))
    given = subject.settings(4, steps=2, samples=3, pairs=1)
    assert (given.seeds, given.steps, given.pairs) == ((4, 5, 6), 2, 1)


def test_it_is_measured_by_all_of_tokreds_metrics_of_pictures(subject: TinySubject) -> None:
    own = [registered.load() for registered in default_registry().own("metric")]
    assert subject.metrics == [
        metric for metric in own if isinstance(metric, Metric) and metric.of == "pictures" and metric.against == "dense"
    ]
    assert subject.metrics


def test_corrupt_weights_of_a_metric_are_refused_at_once(
    zoo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MODELS", zoo_folder)
    monkeypatch.setattr(lpips, "WEIGHTS", tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="LPIPS weights"):
        load_subject("tiny-dit")
