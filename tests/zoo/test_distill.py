"""A student that learns its teacher's walk in fewer steps, by an adapter alone."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from prompted_models import FLUX, PROMPTS

import distill
from card import write_card
from data import LabelledImages
from distill import DistillTask
from flow import FlowTask
from tokred.zoo import ZooModel, flux
from tokred.zoo.adapter import adapted
from tokred.zoo.spread import asked

PHASE = {"batch": 2}


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Make the task with a number of the teacher's steps for each of the student's."""
    torch.manual_seed(0)
    donor = flux.build(FLUX, PROMPTS).state_dict()
    monkeypatch.setattr("flow.start_from", lambda model, name: model.load_state_dict(donor))
    images = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8)

    def task(substeps: int) -> DistillTask:
        settings = {"substeps": substeps, "walks": 10, "rank": 2}
        config: dict[str, Any] = {"family": "flux", "start": "donor", "model": FLUX, "distill": settings}
        config |= {"train": {"drop": 0.0}, "sampling": {"steps": 2, "guidance": 1.0}}
        return DistillTask(config, LabelledImages(images, torch.arange(3), list(PROMPTS), mirror=False), tmp_path)

    return task


def test_walks_are_those_of_the_teachers_pipeline(make: Any) -> None:
    task = make(substeps=3)
    pipe: Any = flux.pipeline(FlowTask.build(task), PROMPTS, 8)  # type: ignore[arg-type]
    for walk in (0, 9):  # of the first batch and of the last
        seed = task.seeds[walk]
        request = {"num_inference_steps": 6, "output_type": "pt", "prompt": asked(PROMPTS, [seed])}
        drawn = pipe(generator=torch.Generator().manual_seed(seed), **request).images[0]
        noise, _, picture = task.walks[walk].float()
        torch.testing.assert_close((picture / 2 + 0.5).clamp(0, 1), drawn, atol=1e-3, rtol=0)
        torch.testing.assert_close(
            noise, torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(seed)), atol=1e-3, rtol=1e-3
        )


def test_walks_are_taken_once(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = make(substeps=3).walks
    monkeypatch.setattr(DistillTask, "trajectories", None)
    assert torch.equal(make(substeps=3).walks, taken)
    with pytest.raises(TypeError):
        _ = make(substeps=2).walks  # other walks


def test_student_in_the_teachers_own_steps_has_nothing_to_learn(make: Any) -> None:
    torch.manual_seed(0)
    apart, alike = make(substeps=3), make(substeps=1)
    assert apart.loss(apart.build(), PHASE, "cpu") > 100 * alike.loss(alike.build(), PHASE, "cpu")


def test_the_adapter_alone_learns(make: Any) -> None:
    task = make(substeps=3)
    student = task.build()
    before = copy.deepcopy(student.state_dict())
    optimiser = torch.optim.Adam([p for p in student.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(12):
        torch.manual_seed(1)
        loss = task.loss(student, PHASE, "cpu")
        losses.append(loss.item())
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    assert losses[-1] < 0.5 * losses[0]
    changed = {name for name, tensor in student.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed
    assert {name.replace(".default.", ".") for name in changed} <= set(task.weights(student))
    teacher, noise = FlowTask.build(task), torch.randn(1, 3, 8, 8)
    words = task.words(teacher, ["green apple"])
    with torch.no_grad():
        taught = task.velocity(student, noise, torch.ones(1), words)
        teacher.load_state_dict(adapted(teacher.state_dict(), task.weights(student)))
        torch.testing.assert_close(task.velocity(teacher, noise, torch.ones(1), words), taught)


def test_psnr_is_of_each_picture() -> None:
    true = torch.full((3, 3, 4, 4), 0.5)
    errors = torch.tensor([0.1, 0.01, 0.001]).view(3, 1, 1, 1)
    assert distill.psnr(true + errors, true) == pytest.approx(40.0, abs=0.01)


def test_card_says_whose_student_it_is(zoo: Path) -> None:
    record = json.loads((zoo / "training.json").read_text())
    taught = {"name": "donor", "steps": 12, "psnr_db": 41.24, "untaught_psnr_db": 38.0}
    write_card(ZooModel.read(zoo), record | {"teacher": taught}, "notice")
    card = (zoo / "card.md").read_text()
    assert "The student of **donor**" in card
    assert "**41.2 dB**" in card
