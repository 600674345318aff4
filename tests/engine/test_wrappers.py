"""Models inside a wrapper: served where its calls reach them as they are; else the attribute to pass is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import distributed, nn
from transformers import CLIPConfig, CLIPModel

import tokred
from tokred import ConflictError, UnsupportedModel
from tokred.testing.snapshot import changes, snapshot
from tokred_adapters import tiny

HOSTS = {host.name: host for host in tiny.hosts()}
VIT = HOSTS["hf-vit-classifier"]


def adapted() -> Any:
    """The classifier with LoRA that counts."""
    torch.manual_seed(0)
    return get_peft_model(VIT.model(), LoraConfig(target_modules=["q_proj", "v_proj"], r=2, init_lora_weights=False))


@pytest.fixture
def group() -> Any:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


WRAPPED: dict[str, Callable[[], Any]] = {
    "ddp": lambda: nn.parallel.DistributedDataParallel(VIT.model().requires_grad_(True)),
    "peft": adapted,
    "ddp-peft": lambda: nn.parallel.DistributedDataParallel(adapted()),
}


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("method", ["tome", "tomesd"])
@pytest.mark.usefixtures("group")
def test_wrappers_that_pass_calls_on_are_served(name: str, method: str) -> None:
    wrapper = WRAPPED[name]()
    wrapper.eval()
    dense = VIT.call(wrapper)
    before = snapshot(wrapper)
    with tokred.apply(wrapper, method) as run:
        reduced = VIT.call(wrapper)
        assert any(call.removed for call in run.report().calls)
        assert type(run.model).__name__ == "ViTForImageClassification"
    assert not torch.equal(reduced, dense)
    assert torch.equal(VIT.call(wrapper), dense)
    assert changes(before, snapshot(wrapper)) == []


def test_any_other_wrapper_is_told_what_to_pass() -> None:
    scaled = nn.ModuleDict({"norm": nn.Identity(), "backbone": HOSTS["vit"].model()})
    with pytest.raises(UnsupportedModel, match="its `backbone` is a VisionTransformer, which is described. Pass that"):
        tokred.apply(scaled, "tome")


def test_a_compiled_model_says_where_the_original_is() -> None:
    compiled = torch.compile(HOSTS["vit"].model(), backend="eager")
    with pytest.raises(ConflictError, match="compiled already. Call .* first, then compile the model. Its `_orig_mod`"):
        tokred.apply(compiled, "tome")


@torch.no_grad()
def test_a_tower_is_reduced_beside_a_text_model_too() -> None:
    size: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
    vision = {**size, "image_size": 24, "patch_size": 4}
    text = {**size, "vocab_size": 9, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    model = CLIPModel(CLIPConfig(vision_config=vision, text_config=text, projection_dim=16)).eval()
    x = torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    dense = model.get_image_features(x).pooler_output
    with tokred.apply(model, "tome", r=8) as run:
        assert not torch.equal(model.get_image_features(x).pooler_output, dense)
        assert {call.site.name.partition(".")[0] for call in run.report().calls} == {"vision_model"}
        assert model(pixel_values=x, input_ids=torch.ones(1, 4, dtype=torch.long)).logits_per_image.shape == (2, 1)
        assert any(call.removed for call in run.report().calls)


@pytest.mark.parametrize("name", ["flux", "wan"])
def test_tokens_that_are_spread_over_devices_are_not_reduced(name: str) -> None:
    """Diffusers' own setting, without the devices."""
    from diffusers import ContextParallelConfig, ParallelConfig

    model = HOSTS[name].model()
    model._parallel_config = ParallelConfig(context_parallel_config=ContextParallelConfig(ring_degree=2))
    with pytest.raises(UnsupportedModel, match=r"a part of its tokens on each device .* such as 'balanced'"):
        tokred.apply(model, "tomesd")
    tokred.apply(model, "balanced").remove()
    spread, model._parallel_config = model._parallel_config, None
    with tokred.apply(model, "tomesd"):
        model._parallel_config = spread
        with pytest.raises(UnsupportedModel, match="a part of its tokens on each device"):
            HOSTS[name].generate(model)
