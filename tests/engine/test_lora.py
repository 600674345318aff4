"""What diffusers does with LoRA while keys are fed: each generation has the weights as they are now."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine.setups import Setup, fresh_generation
from families.models import BY_NAME, Family
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

import tokred

CASES = [
    (BY_NAME["flux"], Setup("dito", {"keys": "full"})),
    (BY_NAME["flux"], Setup("delta", {"dense_first": 1, "keys": "recovered"})),
    (BY_NAME["sd3"], Setup("dito", {"keys": "recovered"})),
    (BY_NAME["sd3"], Setup("dito", {"signal": "key"})),
]
CONFIG = {"r": 2, "target_modules": ["to_q", "to_k", "to_v"], "init_lora_weights": False}


def trained(family: Family, seed: int) -> dict[str, torch.Tensor]:
    """The weights of a LoRA, as they are in a file."""
    torch.manual_seed(seed)
    model = family.model()
    model.add_adapter(LoraConfig(**CONFIG))
    return {f"transformer.{name}": weight for name, weight in get_peft_model_state_dict(model).items()}


def load(model: Any, weights: dict[str, torch.Tensor], name: str = "one", hotswap: bool = False) -> None:
    model.load_lora_adapter(dict(weights), adapter_name=name, prefix="transformer", hotswap=hotswap)


@pytest.mark.parametrize(("family", "setup"), CASES, ids=str)
def test_each_generation_has_the_weights_as_they_are(family: Family, setup: Setup) -> None:
    first, second = trained(family, 1), trained(family, 2)
    changed: list[Callable[[Any], None]] = [
        lambda model: load(model, first),
        lambda model: load(model, second, hotswap=True),
        lambda model: load(model, first, "two"),
        lambda model: model.set_adapters(["one", "two"], [0.5, 0.25]),
        lambda model: model.set_adapters("two"),
        lambda model: model.disable_lora(),
        lambda model: model.enable_lora(),
        lambda model: model.delete_adapters("one"),
        lambda model: model.fuse_lora(),
        lambda model: model.unfuse_lora(),
        lambda model: model.unload_lora(),
    ]
    model = family.model()
    untouched = copy.deepcopy(model)
    with setup.apply(model):
        for change in changed:
            change(model)
            change(untouched)
            expected = fresh_generation(family, untouched, setup)
            torch.testing.assert_close(family.generate(model), expected, rtol=0, atol=0)
    tokred.remove(model)
    assert torch.equal(family.generate(model), family.generate(untouched))
