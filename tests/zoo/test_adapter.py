"""Models that are shipped as a LoRA of another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from prompted_models import FLUX, PROMPTS
from safetensors.torch import load_file, save
from test_load import publish

from data import LabelledImages
from distill import DistillTask
from export import Places, export_model
from flow import FlowTask
from tokred.errors import WeightsError
from tokred.zoo import catalog, flux, load_model
from tokred.zoo.catalog import find_model


@pytest.fixture
def adapter(config: Any, facts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of a tiny Flux, `whole`, and of a LoRA of it, `turbo`; the folder of the latter."""
    torch.manual_seed(0)
    monkeypatch.setattr(catalog, "MODELS", Places.of(tmp_path, "whole").package.parent)
    monkeypatch.setattr("flow.start_from", lambda model, name: None)
    data = LabelledImages(torch.zeros(3, 3, 8, 8, dtype=torch.uint8), torch.arange(3), list(PROMPTS), mirror=False)
    settings = config | {"family": "flux", "model": FLUX}
    export_model(
        "whole", FlowTask(settings, data), flux.build(FLUX, PROMPTS), settings, facts, Places.of(tmp_path, "whole")
    )
    settings |= {"start": "whole", "distill": {"substeps": 2, "walks": 1, "rank": 2}}
    task = DistillTask(settings, data, tmp_path)
    student = task.build()
    for name, factor in student.named_parameters():
        if ".lora_" in name:
            torch.nn.init.normal_(factor, std=0.3)
    places = Places.of(tmp_path, "turbo")
    export_model("turbo", task, student, settings, facts, places)
    return places.package


def test_loads_what_diffusers_makes_of_the_same_files(adapter: Path) -> None:
    assert find_model("turbo").adapts == "whole"
    assert "of a LoRA of whole" in (adapter / "card.md").read_text()
    loaded: Any = load_model("turbo")
    reference: Any = load_model("whole")
    before = reference(
        "green apple", num_inference_steps=1, output_type="pt", generator=torch.Generator().manual_seed(1)
    )
    reference.load_lora_weights(adapter, weight_name="weights.safetensors")
    drawn, expected = (
        pipe("green apple", num_inference_steps=1, output_type="pt", generator=torch.Generator().manual_seed(1)).images
        for pipe in (loaded, reference)
    )
    torch.testing.assert_close(drawn, expected)
    assert not torch.allclose(expected, before.images, atol=0.01)


def test_factors_that_do_not_fit_are_refused(adapter: Path) -> None:
    factors = load_file(adapter / "weights.safetensors")
    up = next(name for name in factors if name.endswith("lora_B.weight"))
    damages = [{n: t for n, t in factors.items() if n != up}, factors | {up: factors[up][:-1]}]
    for damaged in [*damages, factors | {"surprise": torch.zeros(1)}]:
        publish(adapter, save({name: tensor.contiguous() for name, tensor in damaged.items()}))
        with pytest.raises(WeightsError, match="is no adapter of 'whole': .*Reinstall"):
            load_model("turbo")
    assert json.loads((adapter / "model.json").read_text())["parameters"]
