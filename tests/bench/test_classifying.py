"""A subject that classifies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from bench.tiny import CLASSIFIER, PICTURES, WRONG, network, tiny_classifier

from tokred.bench.classifying import TEST, ClassifyingSubject
from tokred.errors import SpecError, WeightsError


def test_a_seed_is_a_test_picture(classifier: ClassifyingSubject) -> None:
    scores = classifier.generate([3, 0, PICTURES + 3], 1)
    with torch.no_grad():
        pictures = classifier.pictures[[3, 0]].float() / 127.5 - 1
        expected = network("vit")(pictures)
    assert (scores.shape, scores.requires_grad) == ((3, 4), False)
    assert torch.allclose(scores[:2], expected, atol=1e-6)
    assert torch.allclose(scores[0], scores[2], atol=1e-6)
    assert torch.equal(classifier.truth([3, 0, PICTURES + 3]), classifier.classes[[3, 0, 3]])


def test_metrics_count_what_is_right_and_what_agrees(classifier: ClassifyingSubject) -> None:
    seeds = list(range(PICTURES))
    dense, other = classifier.generate(seeds, 1), classifier.generate(seeds, 1).roll(1, dims=0)
    top1, agreement = classifier.metrics
    assert (top1.against, agreement.against) == ("truth", "dense")
    right = top1.load()(dense, classifier.truth(seeds)).tolist()
    assert [seed for seed in seeds if not right[seed]] == list(WRONG)
    same = [float(other[i].argmax() == dense[i].argmax()) for i in seeds]
    assert agreement.load()(other, dense).tolist() == same


def test_all_pictures_where_nothing_else_is_said(classifier: ClassifyingSubject) -> None:
    settings = classifier.settings()
    assert (settings.steps, settings.samples, settings.seeds) == (1, PICTURES, tuple(range(PICTURES)))
    assert (settings.batch, settings.timing_batch) == (PICTURES, PICTURES)  # of 250 and 50
    assert classifier.settings(2, steps=1, samples=3).seeds == (2, 3, 4)


def test_batches_of_many_pictures(classifier: ClassifyingSubject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "pictures", torch.zeros(300, 1, 8, 8, dtype=torch.uint8))
    settings = classifier.settings()
    assert (settings.samples, settings.batch, settings.timing_batch) == (300, 250, 50)


def test_more_pictures_than_there_are_are_refused(classifier: ClassifyingSubject) -> None:
    with pytest.raises(SpecError, match=r"samples=13 is too many: tiny-vit has 12 test pictures\. Give at most 12"):
        classifier.settings(samples=13)


@pytest.mark.parametrize("steps", [0, 2])
def test_steps_mean_nothing(classifier: ClassifyingSubject, steps: int) -> None:
    message = rf"steps={steps} means nothing for tiny-vit: a classifier is called once per picture"
    with pytest.raises(SpecError, match=message):
        classifier.settings(steps=steps)
    with pytest.raises(SpecError, match=message):
        classifier.generate([0], steps)


def test_missing_test_pictures_are_refused(zoo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(zoo_folder / CLASSIFIER, tmp_path / CLASSIFIER)
    (tmp_path / CLASSIFIER / TEST).unlink()
    with pytest.raises(WeightsError, match=r"test\.safetensors cannot be read"):
        tiny_classifier(tmp_path)
