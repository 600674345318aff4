"""Gradient checkpointing: what is computed again sees what its call saw, or is refused by a message that names it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig
from torch import nn
from torch.utils.checkpoint import checkpoint

import tokred
from tokred import UnsupportedModel
from tokred.testing.snapshot import changes, snapshot
from tokred_adapters import tiny

HOSTS = {host.name: host for host in tiny.hosts()}
Gradients = dict[str, torch.Tensor]


def trainable(name: str, checkpointed: bool) -> Any:
    """Build a model; one of timm or transformers in training mode, which they ask for, and it has no dropout."""
    model: Any = HOSTS[name].model().requires_grad_(True)
    model.train(name in ("vit", "hf-vit", "hf-clip"))
    enable = next(
        getattr(model, enable)
        for enable in ("set_grad_checkpointing", "enable_gradient_checkpointing", "gradient_checkpointing_enable")
        if hasattr(model, enable)
    )
    if checkpointed:
        enable()
    return model


def gradients(name: str, method: str, checkpointed: bool, backward: str, steps: int = 2, **params: Any) -> Gradients:
    """Train through two generations of several calls: backward from each at once, apart afterwards, or from the sum."""
    host, model, losses = HOSTS[name], trainable(name, checkpointed), []
    with tokred.apply(model, method, **params) as run:
        for seed in (0, 1):
            arguments = host.arguments(model, seed)
            for i in range(steps):
                with tokred.step(i, steps):
                    loss = (seed + i + 1) * host.run(model, arguments, 1 - i / steps).square().mean()
                if backward != "at once":
                    losses.append(loss)
                elif loss.requires_grad:  # else the step was skipped
                    loss.backward()
        if backward == "apart":
            for loss in losses:
                loss.backward()
        elif losses:
            torch.stack(losses).sum().backward()
        assert any(call.removed for call in run.report().calls)
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def assert_same(gradients: Gradients, expected: Gradients) -> None:
    assert gradients.keys() == expected.keys()
    assert any(gradient.any() for gradient in expected.values())
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], msg=name)


CASES = [
    ("flux", "tomesd", {}),
    ("flux", "dito", {"keys": "full"}),
    ("dit", "random", {}),
    ("dit", "todo", {}),
    ("wan", "toma", {}),
    ("sdxl", "sito", {}),
    ("sd3", "tofu", {}),
    ("vit", "tome", {}),
    ("vit", "kff", {}),
    ("hf-clip", "tomesd", {}),
]


@pytest.mark.parametrize("backward", ["sum", "apart"])
@pytest.mark.parametrize(("name", "method", "params"), CASES)
def test_gradients_of_several_calls_equal_those_without(
    name: str, method: str, params: dict[str, Any], backward: str
) -> None:
    expected = gradients(name, method, False, backward, **params)
    assert_same(gradients(name, method, True, backward, **params), expected)


@pytest.mark.parametrize(("name", "method"), [("flux", "delta"), ("wan", "delta"), ("dit", "step_cache")])
def test_methods_that_remember_take_a_backward_after_each_call(name: str, method: str) -> None:
    assert_same(gradients(name, method, True, "at once", 6), gradients(name, method, False, "at once", 6))


@pytest.mark.parametrize(("name", "method"), [("flux", "delta"), ("wan", "toca")])
def test_they_refuse_what_they_no_longer_remember(name: str, method: str) -> None:
    with pytest.raises(UnsupportedModel, match=r"what it remembered has changed since. Call backward\(\) after each"):
        gradients(name, method, True, "sum", 6)


def test_blocks_that_checkpoint_their_own_inside_are_refused_where_they_are_reduced_around() -> None:
    with pytest.raises(UnsupportedModel, match="A ViTLayer checkpoints the inside of its forward"):
        gradients("hf-vit", "tome", True, "sum")


def test_a_part_of_a_block_that_is_checkpointed_by_hand_is_refused() -> None:
    host, model = HOSTS["dit"], trainable("dit", False)
    attention = model.transformer_blocks[0].attn1
    forward = attention.forward
    with tokred.apply(model, "tomesd"):
        patched = attention.forward
        attention.forward = lambda *args, **kwargs: checkpoint(patched, *args, use_reentrant=False, **kwargs)
        with tokred.step(0, 2):
            loss = host.run(model, host.arguments(model, 0)).square().mean()
        with pytest.raises(UnsupportedModel, match="called in a backward pass, and which model call it was is not"):
            loss.backward()
        attention.forward = patched
    assert attention.forward == forward


def test_a_model_that_is_checkpointed_as_a_whole_is_refused() -> None:
    host, model = HOSTS["vit"], trainable("vit", False)
    x = host.arguments(model, 0)[host.argument].requires_grad_()
    with tokred.apply(model, "tome"):
        loss = checkpoint(model, x, use_reentrant=False).square().mean()
        with pytest.raises(UnsupportedModel, match="A whole VisionTransformer is computed again in a backward pass"):
            loss.backward()


@pytest.mark.parametrize(("name", "method", "params"), [*CASES[::3], ("sd3", "delta", {"dense_first": 1})])
def test_a_run_that_is_removed_before_backward_is_named(name: str, method: str, params: dict[str, Any]) -> None:
    """Also where the model has another by then; without checkpointing nothing is computed again."""
    host = HOSTS[name]
    for checkpointed in (True, False):
        model = trainable(name, checkpointed)
        with tokred.apply(model, method, **params):
            for i in range(2):
                with tokred.step(i, 2):
                    loss = host.run(model, host.arguments(model, 0), 1 - i / 2).square().mean()
        again = tokred.apply(model, "tomesd")
        if checkpointed:
            with pytest.raises(UnsupportedModel, match=f"removed from this {type(model).__name__} before backward"):
                loss.backward()
            assert all(p.grad is None for p in model.parameters())
        else:
            loss.backward()
        again.remove()


@pytest.mark.parametrize("name", ["flux", "vit", "hf-clip"])
def test_nothing_is_left_of_it(name: str) -> None:
    model = trainable(name, True)
    before = snapshot(model)
    with tokred.apply(model, "tomesd"):
        with tokred.step(0, 2):
            HOSTS[name].run(model, HOSTS[name].arguments(model, 0)).square().mean().backward()
        assert any(module._forward_pre_hooks for module in blocks_of(model))
    model.zero_grad()
    assert changes(before, snapshot(model)) == []


def blocks_of(model: nn.Module) -> list[nn.Module]:
    return [block for stack in model.modules() if isinstance(stack, nn.ModuleList | nn.Sequential) for block in stack]


@pytest.mark.slow
def test_a_lora_learns_the_same_with_checkpointing() -> None:
    """Twenty steps on emoji-flux, with tokens merged."""
    plain, checkpointed = learned(False), learned(True)
    assert plain.keys() == checkpointed.keys()
    assert any(weight.any() for name, weight in plain.items() if "lora_B" in name), "it learns"
    for name, weight in plain.items():
        torch.testing.assert_close(checkpointed[name], weight, msg=name)


def learned(checkpointed: bool) -> Gradients:
    """Train a LoRA of emoji-flux and return its weights."""
    torch.manual_seed(0)
    model: Any = tokred.load_model("emoji-flux").transformer.requires_grad_(False)
    model.add_adapter(LoraConfig(r=4, target_modules=["to_q", "to_k", "to_v"]))
    if checkpointed:
        model.enable_gradient_checkpointing()
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    optimizer = torch.optim.AdamW(weights.values(), lr=1e-3)
    config, ids = model.config, torch.zeros(256, 3)
    ids[:, 1], ids[:, 2] = torch.arange(256) // 16, torch.arange(256) % 16
    with tokred.apply(model, "tomesd", ratio=0.5) as run:
        for _ in range(20):
            pictures, noise = torch.randn(2, 256, config.in_channels), torch.randn(2, 256, config.in_channels)
            time = torch.rand(2)
            velocity = model(
                hidden_states=torch.lerp(pictures, noise, time[:, None, None]),
                encoder_hidden_states=torch.randn(2, 4, config.joint_attention_dim),
                pooled_projections=torch.randn(2, config.pooled_projection_dim),
                timestep=time,
                img_ids=ids,
                txt_ids=torch.zeros(4, 3),
            ).sample
            optimizer.zero_grad()
            (velocity - (noise - pictures)).square().mean().backward()
            optimizer.step()
        assert run.report().compute < 1
    return {name: weight.detach() for name, weight in weights.items()}


@torch.no_grad()
def test_calls_without_gradients_are_not_followed() -> None:
    """It would cost each of them a walk through the model."""
    model = trainable("flux", True)
    with tokred.apply(model, "tomesd"), tokred.step(0, 2):
        HOSTS["flux"].run(model, HOSTS["flux"].arguments(model, 0))
        assert not any(block._forward_pre_hooks for block in blocks_of(model))
