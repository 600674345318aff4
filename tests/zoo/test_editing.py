"""Edits of pictures, and the model that learns them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from prompted_models import FLUX

import edits
import start
from data import LabelledImages
from editing import EditTask
from export import Places, export_model
from tokred.zoo import ZooModel, flux, kontext
from tokred.zoo.encoder import PADDING
from tokred.zoo.load import load, read_tensors

NAMES = ["crown", "owl", "red heart"]
WHITE, RED, BLUE = torch.ones(3, 8, 8), torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])


def square() -> torch.Tensor:
    """White, with a red square on the rows and columns 3 to 5."""
    picture = WHITE.clone()
    picture[:, 3:6, 3:6] = RED.view(3, 1, 1)
    return picture


def images(count: int, seed: int) -> LabelledImages:
    """Pictures of `count` identities: noise within a white margin."""
    pictures = torch.full((count, 3, 8, 8), 255, dtype=torch.uint8)
    noise = torch.randint(0, 200, (count, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    pictures[..., 2:6, 2:6] = noise
    return LabelledImages(pictures, torch.arange(count), NAMES[:count], mirror=False)


@pytest.fixture(scope="module")
def task() -> EditTask:
    config: dict[str, Any] = {
        "family": "kontext",
        "summary": "A tiny one.",
        "notice": "fluent-3d",
        "seed": 1,
        "model": FLUX,
        "data": {"array": "emoji64.npz", "style": "fluent-3d", "labels": ["heart"], "mirror": False},
        "edits": {"hats": ["crown"], "companions": ["owl", "red heart"]},
        "train": {"drop": 0.0, "kinds": {"leave": 0.0}},
        "phases": [{"steps": 12, "batch": 2, "size": 8}],
        "sampling": {"steps": 2, "guidance": 1.0},
    }
    return EditTask(config, images(3, seed=0), images(2, seed=1))


def test_background_is_the_white_that_reaches_the_border() -> None:
    ring = WHITE.clone()
    ring[:, 2:6, 2:6] = 0.0
    ring[:, 3:5, 3:5] = 1.0
    found = edits.background(ring)
    assert not found[2:6, 2:6].any()
    assert found.sum() == 64 - 16


def test_edits_do_what_they_say() -> None:
    picture = square()
    picture[:, 3, 3] = BLUE
    assert edits.leave(picture) is picture
    assert torch.equal(edits.mirror(picture)[:, 3, 4], BLUE)
    assert torch.equal(edits.turn(picture)[:, 4, 4], BLUE)
    assert edits.grey(picture)[:, 5, 5].tolist() == pytest.approx([0.299] * 3)
    assert torch.equal(edits.tint(WHITE, "blue"), WHITE)
    assert edits.tint(torch.full((3, 1, 1), 0.5), "blue").flatten().tolist() == pytest.approx(edits.COLOURS["blue"])
    small = edits.shrink(square())
    assert torch.equal(small[:, :2], WHITE[:, :2])
    assert small[1:, 2:6, 2:6].mean() == pytest.approx(square()[1:].mean())


def test_backdrop_leaves_the_object() -> None:
    edited = edits.backdrop(square(), "green")
    assert torch.equal(edited[:, 3:6, 3:6], square()[:, 3:6, 3:6])
    assert edited[:, 0, 0].tolist() == pytest.approx(edits.COLOURS["green"])


def test_pasted_pictures_change_their_place_alone() -> None:
    hat = BLUE.view(3, 1, 1).expand(3, 3, 3)
    changed = (edits.wear(square(), hat) != square()).any(0).nonzero()
    assert changed.amin(0).tolist() == [1, 3]
    assert changed.amax(0).tolist() == [3, 5]
    changed = (edits.beside(square(), hat) != square()).any(0).nonzero()
    assert (changed.amin(0).tolist(), changed.amax(0).tolist()) == ([5, 5], [7, 7])


def test_prompts_are_drawn_by_the_weight_of_their_kind(task: EditTask) -> None:
    torch.manual_seed(0)
    assert {"put a crown on it", "put an owl beside it", "put a red heart beside it"} <= set(task.edits.prompts)
    kinds = [task.edits.kind(prompt) for prompt in task.edits.sample(2000, {"leave": 0.0, "beside": 2.0})]
    assert "leave" not in kinds
    assert kinds.count("beside") == pytest.approx(2000 * 2 / 9, rel=0.15)


def test_only_the_target_is_noised_and_training_asks_as_the_pipeline_does(task: EditTask) -> None:
    torch.manual_seed(0)
    model = task.build()
    pipe: Any = kontext.pipeline(model, task.edits.prompts, 8)  # type: ignore[arg-type]
    noise = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    reference = task.references[:1] / 127.5 - 1
    settings = {"num_inference_steps": 1, "guidance_scale": 1.0, "output_type": "pt"}
    edited = pipe(reference, "mirror it", generator=torch.Generator().manual_seed(5), **settings).images
    words = model.text.numbers(["mirror it"])  # type: ignore[union-attr, operator]
    with torch.no_grad():
        velocity = task.velocity(model, noise, torch.ones(1), words, reference=reference)
        unlike = task.velocity(model, noise, torch.ones(1), words, reference=reference.flip(-1))
    torch.testing.assert_close(edited, ((noise - velocity) / 2 + 0.5).clamp(0, 1))
    assert not torch.allclose(velocity, unlike, atol=1e-4)


def test_reference_of_any_kind_is_the_same_picture(task: EditTask) -> None:
    pipe: Any = kontext.pipeline(task.build(), task.edits.prompts, 8)  # type: ignore[arg-type]
    pixels = task.references[:1]
    picture = pipe.image_processor.numpy_to_pil(pixels[0].permute(1, 2, 0).numpy() / 255)[0]
    drawn = [
        pipe(image, "make it grey", generator=torch.Generator().manual_seed(0), num_inference_steps=2, output_type="pt")
        for image in (picture, pixels / 127.5 - 1)
    ]
    torch.testing.assert_close(drawn[0].images, drawn[1].images, atol=1e-4, rtol=0)


def test_start_copies_the_network_and_the_words_that_both_know(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    donor = flux.build(FLUX, ["blue owl", "red heart"])
    shipped = type("Shipped", (), {"classes": ("blue owl", "red heart")})()
    monkeypatch.setattr(start, "find_model", lambda name: shipped)
    monkeypatch.setattr(start, "read_tensors", lambda model, file: dict(donor.state_dict()))
    model = flux.build(FLUX, ["mirror the red owl"])
    before = model.text.word.weight.clone()
    start.start_from(model, "donor")
    assert torch.equal(model.transformer.proj_out.weight, donor.transformer.proj_out.weight)
    assert torch.equal(model.text.word.weight[PADDING], donor.text.word.weight[PADDING])
    for word in ("red", "owl", "mirror"):
        row = model.text.index[word]
        known = donor.text.word.weight[donor.text.index[word]] if word in donor.text.index else before[row]
        assert torch.equal(model.text.word.weight[row], known)


def test_shipped_model_edits_its_references(task: EditTask, tmp_path: Path, facts: Any) -> None:
    torch.manual_seed(0)
    places = Places.of(tmp_path, "tiny-edit")
    export_model("tiny-edit", task, task.build(), task.config, facts, places)
    shipped = ZooModel.read(places.package)
    assert (shipped.family, shipped.tokens, shipped.draws) == ("kontext", 2 * 16, True)
    assert torch.equal(read_tensors(shipped, "references.safetensors")["images"], task.references)
    assert torch.equal(shipped.references([3, -1]), task.references[[1, 1]] / 127.5 - 1)
    pipe = load(shipped)
    both = shipped.generate(pipe, [4, 5], steps=2)  # type: ignore[arg-type]
    torch.testing.assert_close(shipped.generate(pipe, [5], steps=2), both[1:])  # type: ignore[arg-type]
    card = (places.package / "card.md").read_text()
    assert "$" not in card
    assert 'pipe(reference, "leave it as it is"' in card
