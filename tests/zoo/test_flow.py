"""What the diffusion models learn."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from prompted_models import FLUX, PROMPTS, SD3

import flow
from data import LabelledImages
from flow import FlowTask, flow_loss


class Oracle(torch.nn.Module):
    """Knows the pictures, and so the velocity: `mixed = picture + sigma * velocity`."""

    def __init__(self, images: torch.Tensor) -> None:
        super().__init__()
        self.images = images

    def forward(self, mixed: torch.Tensor, timestep: torch.Tensor, class_labels: torch.Tensor) -> SimpleNamespace:
        sigma = (timestep / 1000).view(-1, 1, 1, 1)
        return SimpleNamespace(sample=(mixed - self.images[class_labels]) / sigma)


class Mute(torch.nn.Module):
    def forward(self, mixed: torch.Tensor, timestep: torch.Tensor, class_labels: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(sample=torch.zeros_like(mixed))


def test_perfect_velocity_has_no_loss() -> None:
    torch.manual_seed(0)
    images = torch.rand(32, 3, 8, 8) * 2 - 1
    assert flow_loss(flow.dit_velocity, Oracle(images), images, torch.arange(32)) < 1e-8


def test_no_velocity_costs_the_power_of_noise_and_picture() -> None:
    torch.manual_seed(0)
    images = torch.rand(64, 3, 16, 16) * 2 - 1
    loss = flow_loss(flow.dit_velocity, Mute(), images, torch.zeros(64, dtype=torch.long))
    assert loss.item() == pytest.approx(1 + images.square().mean().item(), rel=0.02)


def make_task(family: str) -> FlowTask:
    images = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    data = LabelledImages(images, torch.arange(3), list(PROMPTS), mirror=False, held_out=("green heart", "blue fox"))
    config: dict[str, Any] = {"family": family, "model": {"sd3": SD3, "flux": FLUX}[family]}
    return FlowTask(config | {"train": {"drop": 0.0}, "sampling": {"guidance": 1.5}}, data)


@pytest.fixture(params=["sd3", "flux"])
def task(request: pytest.FixtureRequest) -> FlowTask:
    return make_task(request.param)


def test_training_asks_as_the_pipeline_does(task: FlowTask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The velocity that is trained is the one that the sampler follows: one step from pure noise."""
    torch.manual_seed(0)
    model = task.build()
    pipe: Any = task.family.pipeline(model, PROMPTS, 8)
    noise = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    settings = {"num_inference_steps": 1, "guidance_scale": 1.0, "output_type": "pt"}
    drawn = pipe("green apple", generator=torch.Generator().manual_seed(5), **settings).images
    words = model.text.numbers(["green apple"])  # type: ignore[union-attr, operator]
    with torch.no_grad():
        velocity = task.velocity(model, noise, torch.ones(1), words)
    torch.testing.assert_close(drawn, ((noise - velocity) / 2 + 0.5).clamp(0, 1))


def test_smaller_pictures_keep_their_places() -> None:
    """Half the resolution is the same picture seen coarsely: Flux puts every token where it lies in the large one."""
    places: list[torch.Tensor] = []
    task = make_task("flux")
    model = task.build()
    model.transformer.register_forward_pre_hook(  # type: ignore[union-attr, operator]
        lambda module, args, kwargs: places.append(kwargs["img_ids"]), with_kwargs=True
    )
    for size in (4, 8):
        task.loss(model, {"batch": 2, "size": size}, "cpu").backward()  # type: ignore[no-untyped-call]
    assert places[0].tolist() == [[0, 2 * row, 2 * column] for row in range(2) for column in range(2)]
    assert places[1].tolist() == [[0, row, column] for row in range(4) for column in range(4)]


def test_prompts_are_dropped_at_their_rate(task: FlowTask) -> None:
    torch.manual_seed(0)
    task.config["train"]["drop"] = 0.25
    words = task._wanted(task.build(), torch.zeros(2000, dtype=torch.long))
    empty = (words == 0).all(dim=1).double().mean().item()
    assert empty == pytest.approx(0.25, abs=0.03)


def test_held_out_prompts_are_drawn_if_their_words_are_known(task: FlowTask, tmp_path: Path) -> None:
    pipe = task.family.pipeline(task.build(), PROMPTS, 8)
    assert task._held_out(pipe) == (["green heart"], ["blue fox"])
