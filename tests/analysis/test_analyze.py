"""An analysis of tiny models: what it says is what plain drawing and watching say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tokred
from tokred.analysis import Findings, PairMeter, blocking, watching
from tokred.analysis.watch import finest
from tokred.family.sites import sites_of
from tokred.metrics import psnr
from tokred.registry import family_for
from tokred.zoo import ZooModel
from tokred.zoo.load import load


def test_pictures_are_those_that_the_model_draws_alone(findings: Findings, tiny_models: Path) -> None:
    model = ZooModel.read(tiny_models / findings.analysis.model)
    pipe, settings = load(model), findings.analysis.settings

    def drawn_alone() -> torch.Tensor:
        return torch.cat([model.generate(pipe, seeds, settings.steps) for seeds in settings.batches])

    dense = drawn_alone()
    assert torch.equal(findings.dense, dense)
    for run, drawn in zip(findings.analysis.penalties, findings.penalized, strict=True):
        with tokred.apply(pipe, "dito", ratio=0.5, dense_first=4, interval=6, penalty=run.weight) as alone:
            pictures = drawn_alone()
            assert run.matches == len(alone.report().matches) == 2
        assert torch.equal(drawn.pictures, pictures)
        assert run.psnr.values == pytest.approx(psnr(pictures, dense).tolist())
        assert run.picture.cells.values == pytest.approx(blocking(pictures, 4).tolist())
        assert run.error.tokens.values == pytest.approx(blocking(pictures - dense, 2).tolist())
        assert torch.tensor(run.frequency).mean().item() == pytest.approx(0.5)
        both = (drawn.selected[0] * drawn.selected[1]).mean(dim=(0, 2, 3))
        assert run.always.values == pytest.approx(both.tolist())


def test_every_attention_and_mlp_is_watched(findings: Findings, tiny_models: Path) -> None:
    analysis, model = findings.analysis, ZooModel.read(tiny_models / findings.analysis.model)
    pipe = load(model)
    family = family_for(pipe.transformer, "a test")
    sites = finest(sites_of(family, pipe.transformer))
    assert analysis.watched.sites == tuple(site.name for site in sites)
    meter = PairMeter([4], 0.5)
    with watching(pipe, family, sites, meter):
        model.generate(pipe, analysis.settings.seeds, analysis.settings.steps)
    of_step = [found.pmr for found in meter.found if found.step == 7]
    curve = analysis.curves["outputs_pmr"][2]
    assert curve.by_step.mean[7 - 4] == pytest.approx(sum(of_step) / len(of_step), rel=1e-4)
    assert len(meter.found) == len(sites) * (analysis.settings.steps - 4)


def test_failures_are_the_worst_pictures(findings: Findings) -> None:
    failures = findings.analysis.failures
    assert failures.label == "dito ratio=0.5 dense_first=4"
    assert [case.psnr for case in failures.worst] == sorted(failures.psnr.values)
    assert {case.seed for case in failures.worst} == {5, 6, 7}
    place = failures.worst[0].seed - 5
    values = psnr(findings.recommended.pictures, findings.dense)
    assert values.argmin().item() == place
    assert 0 < failures.compute < 1
