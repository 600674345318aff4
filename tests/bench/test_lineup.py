"""Who takes part, who is left out, and who is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from bench.tiny import TinySubject

import tokred
from tokred.bench import line_up, parse_contenders
from tokred.bench.classifying import ClassifyingSubject
from tokred.errors import ConflictError, SpecError, UnsupportedModel
from tokred.interfaces import Trained

LEFT_OUT = {"sea_cache": "does not tell its caches"}
if not find_spec("cache_dit"):
    LEFT_OUT["db_cache"] = "This needs cache_dit, which is not installed"
"""Baselines that do not fit a tiny DiT here."""


def test_what_is_named_takes_part(subject: TinySubject) -> None:
    lineup = line_up(subject, ["tomesd:ratio=0.5", "fewer_steps:share=0.5"])
    assert [contender.label for contender in lineup.contenders] == ["tomesd ratio=0.5", "fewer_steps share=0.5"]
    assert lineup.left_out == ()


def test_everything_fits_a_model_that_draws(subject: TinySubject) -> None:
    lineup = line_up(subject)
    reasons = {
        c.label: LEFT_OUT.get(c.name, "cannot go on with fewer tokens")
        for c in parse_contenders()
        if c.name in LEFT_OUT or getattr(c.entrant, "sites", ()) == ("stream",)
    }
    assert [c.label for c in lineup.contenders] == [c.label for c in parse_contenders() if c.label not in reasons]
    assert [x.label for x in lineup.left_out] == list(reasons)
    assert all(reasons[x.label] in x.why for x in lineup.left_out)


def test_what_does_not_fit_a_classifier_is_left_out_with_its_reason(classifier: ClassifyingSubject) -> None:
    lineup = line_up(classifier)
    known = parse_contenders()
    assert {c.label for c in lineup.contenders} | {x.label for x in lineup.left_out} == {c.label for c in known}
    assert {"tomesd", "random"} <= {c.name for c in lineup.contenders}
    for contender in known:
        reasons = [x.why for x in lineup.left_out if x.label == contender.label]
        if contender.kind == "baseline":
            why = "does not tell its caches" if contender.name == "sea_cache" else "takes none"
            assert f"VisionTransformer {why}" in reasons[0]
        elif contender.entrant.scheduler.reuses:  # type: ignore[union-attr]
            assert reasons[0].startswith(f"{contender.name} reuses correspondences from step to step")
        elif "kv" in contender.entrant.sites:  # type: ignore[union-attr]
            assert "'kv' is not offered" in reasons[0]
        elif isinstance(contender.entrant.matcher, Trained):  # type: ignore[union-attr]
            assert "was trained on tokens of 128 channels" in reasons[0]
        else:
            assert reasons == []


@pytest.mark.parametrize("text", ["dito", "fewer_steps", "step_cache:interval=2"])
def test_what_is_named_has_to_fit(classifier: ClassifyingSubject, text: str) -> None:
    with pytest.raises(UnsupportedModel, match="VisionTransformer"):
        line_up(classifier, ["tomesd", text])


def test_the_model_is_as_before(subject: TinySubject) -> None:
    line_up(subject)
    assert all("forward" not in module.__dict__ for module in subject.model.transformer.modules())
    assert not {"step", "set_timesteps"} & subject.model.scheduler.__dict__.keys()


@pytest.mark.parametrize("texts", [[], ["fewer_steps:", "dito:"]])
def test_a_patched_model_is_refused_before_anything_is_drawn(texts: list[str]) -> None:
    subject = TinySubject()
    with tokred.apply(subject.model, "dito"), pytest.raises(ConflictError, match="already applied"):
        line_up(subject, texts)
    assert subject.asked == []


def test_a_model_that_nothing_fits_is_refused_with_the_reasons(classifier: ClassifyingSubject) -> None:
    class Other(ClassifyingSubject):
        def __init__(self) -> None:
            vars(self).update(vars(classifier), model=torch.nn.Linear(2, 2))

    with pytest.raises(SpecError, match=r"no method and no baseline fits tiny-vit\. .*Linear"):
        line_up(Other())


def test_a_baseline_may_refuse_by_a_spec_error(classifier: ClassifyingSubject, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def applied(self: Any, pipe: Any) -> Iterator[None]:
        raise SpecError("not today")
        yield

    monkeypatch.setattr("tokred.baselines.FewerSteps.applied", applied)
    assert [x.why for x in line_up(classifier).left_out if x.label.startswith("fewer")] == ["not today"] * 3
    with pytest.raises(SpecError, match="not today"):
        line_up(classifier, ["fewer_steps"])
