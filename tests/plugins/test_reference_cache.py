"""The reference cache against the dense model, whose references' keys and values are put in their place by hooks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import diffusers
import pytest
import torch
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus
from families.models import BY_NAME, layout_of, sites_of
from families.tiny_pipelines import HOSTS, TEXT
from plugins.editing import TARGET, carried, editing
from torch import nn

import tokred
from tokred import SpecError
from tokred.testing.tolerance import assert_same_computation

GIVEN = ((2, 3), (3, 5))
"""The grids of two references, of other sizes than what is drawn."""
FLUX_PARTS = ("vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "transformer", "scheduler")
REFERENCES = sum(map(math.prod, GIVEN))


@contextmanager
def references_put(model: nn.Module, program: str, line: bool) -> Iterator[list[int]]:
    """At "R" put remembered keys and values in the references' rows, which come last; the list holds the step."""
    step: list[int] = [0]
    seen: dict[nn.Module, list[tuple[int, torch.Tensor]]] = {}

    def put(layer: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor | None:
        known = seen.setdefault(layer, [])
        if program[step[0]] == "D":
            known.append((step[0], output[:, -REFERENCES:].clone()))
            return None
        output = output.clone()
        output[:, -REFERENCES:] = carried(known, step[0], len(program)) if line else known[-1][1]
        return output

    attentions: list[Any] = [site.module.attn for site in sites_of(model, "block")]
    hooks = [layer.register_forward_hook(put) for each in attentions for layer in (each.to_k, each.to_v)]
    yield step
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("name", ["flux", "qwen-image-edit", "qwen-image-edit-2511"])
def test_it_is_the_dense_model_with_old_keys_and_values_of_the_references(name: str, order: int) -> None:
    program = "DRDRRD"
    edit = editing(name, len(program), GIVEN)
    with references_put(edit.model, program, line=order == 1) as step:
        expected = edit.run(lambda i: _at(step, i))
    with tokred.apply(edit.model, "reference_cache", program=program, order=order) as run:
        found = edit.stepwise()
        calls = run.report().calls
    for actual, wanted in zip(found, expected, strict=True):
        assert_same_computation(actual, wanted)
    removed = {(call.position.step, call.removed) for call in calls if call.site.kind != "model"}
    assert removed == {(i, REFERENCES if letter == "R" else 0) for i, letter in enumerate(program)}


@contextmanager
def _at(step: list[int], index: int) -> Iterator[None]:
    step[0] = index
    yield


@pytest.mark.parametrize("fixed", [True, False], ids=["fixed time", "own time"])
def test_it_is_exact_where_the_references_see_neither_time_nor_target(fixed: bool) -> None:
    """In one block their keys and values are made before they attend to anything."""
    edit = editing("qwen-image-edit-2511", 4, GIVEN, num_layers=1, zero_cond_t=fixed)
    dense = edit.stepwise()
    with tokred.apply(edit.model, "reference_cache", program="D (R)*"):
        found = edit.stepwise()
    if fixed:
        for actual, wanted in zip(found, dense, strict=True):
            assert_same_computation(actual, wanted)
    else:
        assert (found[-1] - dense[-1]).abs().max() > 0.01 * dense[-1].abs().max()


@pytest.mark.parametrize("name", ["flux", "qwen-image-edit"])
def test_the_layout_says_what_the_tokens_are_for(name: str) -> None:
    edit = editing(name, 1, GIVEN)
    layout = layout_of(edit.model, edit.calls[0])
    assert layout.grids == (TARGET, *GIVEN)
    assert layout.roles == ("target", "reference", "reference")


@pytest.mark.filterwarnings("ignore:tokred. reference_cache reduced nothing")
def test_without_references_every_step_is_dense() -> None:
    family = BY_NAME["flux"]
    model = family.model()
    dense = family.generate(model, steps=3)
    with tokred.apply(model, "reference_cache", program="D (R)*") as run:
        assert torch.equal(family.generate(model, steps=3), dense)
        assert run.report().compute == 1
        assert run.report().unplanned == 0


def test_skipped_steps_carry_on_the_output_that_was_made_without_the_references() -> None:
    """The line goes through steps 0 and 1, the second of which left them out."""
    edit = editing("flux", 3, GIVEN)
    with tokred.apply(edit.model, "reference_cache", program="D R R"):
        first, second, _ = edit.stepwise()
    with tokred.apply(edit.model, "reference_cache", program="D R 1"):
        *_, third = edit.stepwise()
    known = [(0, first), (1, second)]
    torch.testing.assert_close(third, carried(known, 2, 3), rtol=1e-4, atol=1e-4)


def kontext() -> tuple[Any, dict[str, Any]]:
    """Build a Kontext pipeline, and a call with a reference of another size."""
    parts = dict.fromkeys(("vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2"))
    pipe = diffusers.FluxKontextPipeline(
        transformer=HOSTS["flux"].model(), scheduler=diffusers.FlowMatchEulerDiscreteScheduler(), **parts
    )
    pipe.latent_channels = 1
    draw = torch.Generator().manual_seed(1)
    texts = {"prompt_embeds": torch.randn(2, TEXT, 12, generator=draw)}
    texts["pooled_prompt_embeds"] = torch.randn(2, 14, generator=draw)
    image = torch.randn(2, 1, 8, 20, generator=draw)
    return pipe, texts | {"image": image, "height": 96, "width": 128, "max_area": 96 * 128, "_auto_resize": False}


def qwen_edit_plus() -> tuple[Any, dict[str, Any]]:
    """Build a Qwen-Image-Edit-2511 pipeline, and a call with two references."""
    from PIL import Image

    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.0] * 4, latents_std=[1.0] * 4
    )
    pipe = diffusers.QwenImageEditPlusPipeline(
        transformer=HOSTS["qwen-image-edit-2511"].model(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=vae.eval(),
        text_encoder=None,
        tokenizer=None,
        processor=None,
    )
    draw = torch.Generator().manual_seed(1)
    texts = {"prompt_embeds": torch.randn(1, TEXT, 12, generator=draw)}
    texts |= {"negative_prompt_embeds": -texts["prompt_embeds"]}
    masks = {f"{name}_mask": torch.ones(1, TEXT, dtype=torch.long) for name in texts}
    images = [Image.new("RGB", (64, 64), "red"), Image.new("RGB", (96, 48), "blue")]
    return pipe, texts | masks | {"image": images, "height": 96, "width": 128, "true_cfg_scale": 3.0}


def test_it_is_what_is_applied_where_nothing_is_named_and_pictures_are_given() -> None:
    pipe, arguments = kontext()
    pipe.set_progress_bar_config(disable=True)
    with tokred.apply(pipe) as run:
        pipe(**arguments, num_inference_steps=4, generator=torch.Generator().manual_seed(0), output_type="latent")
        calls = run.report().calls
    assert run.method.name == "edit"
    removed = {(call.position.step, call.removed) for call in calls if call.site.kind != "model"}
    assert removed == {(0, 0), (1, 4 * 10), (2, 0), (3, 0)}
    with tokred.apply(pipe.transformer) as run:
        assert run.method.name == "balanced"
    drawing = diffusers.FluxPipeline(**{name: part for name, part in pipe.components.items() if name in FLUX_PARTS})
    with tokred.apply(drawing) as run:
        assert run.method.name == "balanced"


@pytest.mark.parametrize("build", [kontext, qwen_edit_plus])
def test_pipelines_that_edit(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_qwenimage_edit_plus, "VAE_IMAGE_SIZE", 64 * 64)
    pipe, arguments = build()
    pipe.set_progress_bar_config(disable=True)

    def draw() -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        made = pipe(**arguments, num_inference_steps=6, generator=generator, output_type="latent")
        latents: torch.Tensor = made.images
        return latents

    dense = draw()
    with tokred.apply(pipe, "reference_cache", program="D R 1 R D R") as run:
        first = draw()
        report = run.report()
        assert torch.equal(draw(), first), "nothing is left from the generation before"
    assert report.unplanned == 0
    assert 0.4 < report.compute < 0.8
    assert not torch.equal(first, dense)
    assert (first - dense).abs().mean() < 0.5 * dense.abs().mean()
    assert torch.equal(draw(), dense)


def test_a_role_that_there_is_not() -> None:
    with pytest.raises(SpecError, match="role='text' is not known. Allowed: target, reference, history, control"):
        tokred.parts.RoleMatcher("text")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=r"roles=\('target',\) must be one of .* for each of 2 grids"):
        tokred.Layout(grids=((2, 2), (2, 2)), roles=("target",))
