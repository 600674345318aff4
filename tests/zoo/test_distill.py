"""A student that learns its teacher's walk in fewer steps."""

from __future__ import annotations

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
from tokred.zoo import ZooModel, flux


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> DistillTask:
    torch.manual_seed(0)
    donor = flux.build(FLUX, PROMPTS).state_dict()
    monkeypatch.setattr("flow.start_from", lambda model, name: model.load_state_dict(donor))
    images = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8)
    config: dict[str, Any] = {"family": "flux", "start": "donor", "model": FLUX, "distill": {"substeps": 3}}
    config |= {"train": {"drop": 0.0}, "sampling": {"steps": 2, "guidance": 1.0}}
    return DistillTask(config, LabelledImages(images, torch.arange(3), list(PROMPTS), mirror=False))


def test_goals_lie_on_the_walk_that_the_teachers_pipeline_takes(task: DistillTask) -> None:
    teacher: Any = task.teacher
    pipe: Any = flux.pipeline(teacher, PROMPTS, 8)
    drawn = pipe(
        "green apple", generator=torch.Generator().manual_seed(5), num_inference_steps=6, output_type="pt"
    ).images
    noise = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    goals = task.trajectory(teacher, noise, teacher.text.numbers(["green apple"]))
    assert len(goals) == 2
    torch.testing.assert_close((goals[-1] / 2 + 0.5).clamp(0, 1), drawn, atol=1e-4, rtol=0)


def test_student_in_the_teachers_own_steps_has_nothing_to_learn(task: DistillTask) -> None:
    student = task.build()
    phase = {"batch": 2, "size": 8}
    assert task.loss(student, phase, "cpu") > 1e-6
    task.substeps = 1
    assert task.loss(student, phase, "cpu") < 1e-10


def test_training_brings_the_student_nearer(task: DistillTask) -> None:
    student = task.build()
    optimiser = torch.optim.Adam(student.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        torch.manual_seed(1)
        loss = task.loss(student, {"batch": 2, "size": 8}, "cpu")
        losses.append(loss.item())
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
    assert losses[-1] < 0.5 * losses[0]
    assert not any(parameter.requires_grad for parameter in task.teacher.parameters())


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
