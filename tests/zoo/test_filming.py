"""Clips of pictures that move, and the model that learns them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import filming
from clips import MOTIONS, film
from data import LabelledImages
from export import Places, export_model
from filming import ClipTask
from tokred.errors import SpecError
from tokred.zoo import ZooModel, wan
from tokred.zoo.load import load

WAN: dict[str, Any] = {
    "patch_size": [1, 2, 2],
    "in_channels": 3,
    "out_channels": 3,
    "num_layers": 1,
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "text_dim": 12,
    "freq_dim": 8,
    "ffn_dim": 16,
    "rope_max_seq_len": 8,
}


@pytest.fixture(scope="module")
def task() -> ClipTask:
    images = torch.full((2, 3, 16, 16), 255, dtype=torch.uint8)
    images[0, 1:, 4:12, 4:12] = 0  # a red square
    images[1, :2, 2:8, 6:10] = 0  # a blue bar in the upper half
    config: dict[str, Any] = {
        "family": "wan",
        "summary": "A tiny one.",
        "notice": "fluent-3d",
        "seed": 1,
        "frame": 16,
        "model": WAN,
        "data": {"array": "emoji64.npz", "style": "fluent-3d", "labels": ["heart"], "mirror": False},
        "train": {"drop": 0.0},
        "phases": [{"steps": 12, "batch": 2, "size": 16}],
        "sampling": {"steps": 2, "guidance": 1.0},
    }
    return ClipTask(config, LabelledImages(images, torch.arange(2), ["red square", "blue bar"], mirror=False))


def centres(clip: torch.Tensor) -> torch.Tensor:
    """Return the row and column of the middle of what is not white, of each frame, `[F, 2]`."""
    ink = (1 - clip).sum(0)
    places = torch.arange(clip.shape[-1], dtype=torch.float32)
    mass = ink.sum((1, 2))
    return torch.stack([(ink.sum(2) * places).sum(1) / mass, (ink.sum(1) * places).sum(1) / mass], dim=1)


def one(task: ClipTask, motion: str, phase: float = 0.5) -> torch.Tensor:
    return task.film([f"red square {motion}"], torch.tensor([phase]), 16)[0]


def test_motions_are_what_they_are_called(task: ClipTask) -> None:
    steps = {motion: centres(one(task, motion)).diff(dim=0) for motion in MOTIONS}
    assert (steps["moves left"][:, 1] < -0.5).all()
    assert (steps["moves right"][:, 1] > 0.5).all()
    assert (steps["rises"][:, 0] < -0.5).all()
    rows = steps["bounces"][:, 0]
    assert rows.min() < -0.5
    assert rows.max() > 0.5
    for motion in ("turns", "grows", "shrinks"):
        assert steps[motion].abs().max() < 0.05
    ink = {motion: (1 - one(task, motion)).sum((0, 2, 3)) for motion in ("turns", "grows", "shrinks")}
    assert (ink["grows"].diff() > 1).all()
    assert (ink["shrinks"].diff() < -1).all()
    assert ink["turns"] == pytest.approx(ink["turns"].mean().expand(6), rel=0.1)
    assert not torch.allclose(one(task, "turns")[:, 0], one(task, "turns")[:, 1], atol=0.1)


def test_a_clip_that_does_not_move_is_the_picture() -> None:
    picture = torch.rand(1, 3, 16, 16) * 2 - 1
    still = film(picture, ["grows"], torch.ones(1), 2, 16)
    assert still.shape == (1, 3, 2, 16, 16)
    whole = (1 - still[0, :, 1]).sum()  # at scale 0.3 + 0.4 + 0.3
    torch.testing.assert_close(whole, (1 - picture).sum(), rtol=0.05, atol=0)


def test_pairs_are_kept_from_training_and_their_words_are_known(task: ClipTask) -> None:
    assert task.data.held_out == ("red square moves left", "blue bar grows")
    assert not set(task.data.held_out) & set(task.data.classes)
    assert len(task.data.classes) == 2 * len(MOTIONS) - 2
    task.build().text.numbers(task.data.held_out)  # type: ignore[union-attr, operator]


def test_training_asks_as_the_pipeline_does(task: ClipTask) -> None:
    torch.manual_seed(0)
    model = task.build()
    pipe: Any = wan.pipeline(model, task.data.classes, 16)  # type: ignore[arg-type]
    settings = {"num_inference_steps": 1, "guidance_scale": 1.0, "output_type": "pt"}
    drawn = pipe("red square turns", generator=torch.Generator().manual_seed(5), **settings).frames
    noise = torch.randn(1, 3, 6, 16, 16, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        words = model.text.numbers(["red square turns"])  # type: ignore[union-attr, operator]
        velocity = task.velocity(model, noise, torch.ones(1), words)
    expected = ((noise - velocity) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(drawn, expected.transpose(1, 2))
    with pytest.raises(SpecError, match="'purple'"):
        pipe("purple bar turns")


def test_tokens_of_smaller_frames_lie_at_their_places(task: ClipTask) -> None:
    """A frame of half the size is the same frame seen coarsely: every other row and column of the large one's."""
    model: Any = task.build()
    rope, found = model.transformer.rope, []
    whole = rope(torch.zeros(1, 3, 6, 16, 16))
    model.transformer.blocks[0].register_forward_pre_hook(lambda block, args: found.append(args[3]))
    for size in (8, 16):
        task.loss(model, {"batch": 2, "size": size}, "cpu")
    for coarse, full, table in zip(*found, whole, strict=True):
        assert torch.equal(coarse, table.view(1, 6, 8, 8, 12)[:, :, ::2, ::2].flatten(1, 3)[:, :, None])
        assert torch.equal(full, table)
    assert not rope._forward_hooks


def test_guidance_is_the_rule_of_two_branches(task: ClipTask) -> None:
    torch.manual_seed(0)
    model = task.build()
    pipe: Any = wan.pipeline(model, task.data.classes, 16)  # type: ignore[arg-type]
    noise = torch.randn(1, 3, 6, 16, 16)

    def velocity(prompt: str) -> torch.Tensor:
        with torch.no_grad():
            words = model.text.numbers([prompt])  # type: ignore[union-attr, operator]
            return task.velocity(model, noise, torch.ones(1), words)

    drawn = pipe(
        "red square turns", latents=noise, num_inference_steps=1, guidance_scale=3.0, output_type="latent"
    ).frames
    guided = velocity("") + 3.0 * (velocity("red square turns") - velocity(""))
    torch.testing.assert_close(drawn, noise - guided)


def test_true_clips_are_recognised(task: ClipTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filming, "PHASES", 4)
    prompts = [f"{name} {motion}" for name in ("red square", "blue bar") for motion in MOTIONS]
    true = task.film(prompts, torch.full((len(prompts),), 0.35), 16).transpose(1, 2) / 2 + 0.5
    found = task.recognised(true, prompts)
    assert found["nearest_is_own_motion"] == len(prompts)
    assert found["nearest_psnr_db"] > 25
    swapped = [*prompts[1:], prompts[0]]
    assert task.recognised(true, swapped)["nearest_is_own_motion"] == 0


def test_shipped_model_draws_clips(task: ClipTask, tmp_path: Path, facts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filming, "PHASES", 1)
    monkeypatch.setattr(filming, "SHEET_SAMPLES", 4)
    torch.manual_seed(0)
    places = Places.of(tmp_path, "tiny-clip")
    model = task.build()
    task.loss(model, {"batch": 2, "size": 16}, "cpu").backward()  # type: ignore[no-untyped-call]
    export_model("tiny-clip", task, model, task.config, facts, places)
    shipped = ZooModel.read(places.package)
    assert (shipped.family, shipped.tokens, shipped.size) == ("wan", 6 * 64, 16)
    assert shipped.generate(load(shipped), [1, 2], steps=1).shape == (2, 6, 3, 16, 16)  # type: ignore[arg-type]
    card = (places.package / "card.md").read_text()
    assert "$" not in card
    assert "4 clips of the 2 prompts that were kept" in card.replace("\n", " ")
