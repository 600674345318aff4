"""Feature maps where tokens are removed for good: a row for each place, that of the token which stands for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from timm import create_model
from torch import nn
from transformers import DINOv3ViTBackbone, DINOv3ViTConfig

import tokred
from tokred_adapters import tiny

HOSTS = {host.name: host for host in tiny.hosts()}
GRID = (6, 8)
pytestmark = pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
Read = Callable[[Any, Any], list[torch.Tensor]]


def timm_maps(model: Any, x: Any) -> list[torch.Tensor]:
    maps = model.forward_intermediates(x, output_fmt="NLC", return_prefix_tokens=True, intermediates_only=True)
    return [torch.cat([prefix, image], dim=1) for image, prefix in maps]


def hidden_states(model: Any, x: Any) -> list[torch.Tensor]:
    interpolated = {"interpolate_pos_encoding": True} if "ViT" in type(model).__name__[:3] else {}
    return list(model(x, output_hidden_states=True, **interpolated).hidden_states[1:])


CASES: dict[str, tuple[Read, str, str]] = {
    "vit-registers": (timm_maps, "blocks", "norm1"),
    "dinov3-token": (timm_maps, "blocks", "norm1"),
    "hf-vit": (hidden_states, "layers", "layernorm_before"),
    "hf-dinov3": (hidden_states, "model.layer", "norm1"),
}


def stood_for(run: Any) -> list[torch.Tensor]:
    """After each block: the place among the tokens left of the one that stands for each of the picture's."""
    assigned, follows = [], torch.arange(GRID[0] * GRID[1])[None]
    for site in run._sites:
        if site.reducing:
            assign = site.state.match.reduction.assign
            rows = max(len(assign), len(follows))
            follows = assign.expand(rows, -1).gather(1, follows.expand(rows, -1))
        assigned.append(follows)
    return assigned


def short_streams(model: Any, blocks: str, norm: str, call: Callable[[], Any]) -> list[torch.Tensor]:
    """What each block but the first was given in a call, as it computes it."""
    seen: list[torch.Tensor] = []
    hooks = [
        block.get_submodule(norm).register_forward_hook(lambda _, args, out: seen.append(args[0]))
        for block in model.get_submodule(blocks)[1:]
    ]
    call()
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(("method", "params"), [("tome", {"r": 10}), ("evit", {"stages": (0.0,)})])
@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_merged_tokens_hold_what_stands_for_them(name: str, method: str, params: dict[str, Any]) -> None:
    host, (read, blocks, norm) = HOSTS[name], CASES[name]
    model: Any = host.model()
    x = host.arguments(model, 0)[host.argument]
    with tokred.apply(model, method, **params) as run:
        output = host.call(model)
        given = short_streams(model, blocks, norm, lambda: host.call(model))
        maps = read(model, x)
        assigned = stood_for(run)
        assert torch.equal(host.call(model), output), "what was read leaves no trace"
    image = GRID[0] * GRID[1]
    lead = maps[0].shape[1] - image
    assert len(maps) == len(assigned) == 2
    for full, assign in zip(maps, assigned, strict=True):
        assert full.shape[:2] == (2, lead + image)
        for b in range(2):
            groups = assign[b % len(assign)]
            assert groups.max() + 1 < image
            values = full[b, lead:]
            for group in groups.unique():
                members = values[groups == group]
                assert torch.equal(members, members[:1].expand_as(members))
    short, assign = given[0], assigned[0]
    assert short.shape[1] == lead + int(assign.max()) + 1, "the model itself goes on with fewer"
    expected = torch.stack([short[b, lead:][assign[b % len(assign)]] for b in range(2)])
    torch.testing.assert_close(maps[0], torch.cat([short[:, :lead], expected], dim=1))


def pooled() -> Any:
    """As timm's `vit_medium_patch16_gap_256`, without a class token."""
    return HOSTS["vit-qk-norm"].model()


def pixels(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 3, 24, 32, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_every_way_to_a_map_is_as_long() -> None:
    model, x = pooled(), pixels()
    with tokred.apply(model, "tome", r=10):
        (last,) = model.forward_intermediates(x, indices=1, intermediates_only=True)
        (same,) = model.get_intermediate_layers(x, 1, reshape=True)
        final, (first,) = model.forward_intermediates(x, indices=[0])
        normed = model.forward_features(x)
    assert last.shape == first.shape == (2, 32, *GRID)
    assert torch.equal(last, same)
    assert normed.shape == final.shape == (2, 48, 32)
    assert torch.equal(normed, final)
    rows = last.flatten(2).transpose(1, 2)
    assert [len(sample.unique(dim=0)) for sample in rows] == [28, 28]


@torch.no_grad()
def test_a_wrapper_that_wants_features_is_served() -> None:
    x = torch.randn(1, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    wrapper = create_model("test_vit", features_only=True, out_indices=[0, 1]).eval()
    with tokred.apply(wrapper.model, "tome", r=10):
        expected = wrapper.model.forward_intermediates(x, indices=[0, 1], intermediates_only=True)
    with tokred.apply(wrapper, "tome", r=10) as run:
        assert all(map(torch.equal, wrapper(x), expected))
        assert any(call.removed for call in run.report().calls)
    assert [each.shape for each in expected] == [(1, 64, 10, 10)] * 2


@torch.no_grad()
def test_a_backbone_is_served() -> None:
    size: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = DINOv3ViTConfig(**size, image_size=24, patch_size=4, intermediate_size=40, out_indices=[1, 2])
    model = DINOv3ViTBackbone(config).eval()
    with tokred.apply(model, "tome", r=10):
        maps = model(pixels()).feature_maps
    assert [len(maps[i].flatten(2)[0].unique(dim=1).T) for i in range(2)] == [38, 28]
    assert all(each.shape == (2, 32, *GRID) for each in maps)


@torch.no_grad()
def test_a_hook_on_one_block_sees_a_whole_map() -> None:
    host = HOSTS["vit"]
    model: Any = host.model()
    seen: list[torch.Tensor] = []
    with tokred.apply(model, "tome", r=10):
        output = host.call(model)
        before = model.blocks[1].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        after = model.blocks[0].register_forward_hook(lambda _, args, out: seen.append(out))
        assert torch.equal(host.call(model), output)
        before.remove()
        given = short_streams(model, "blocks", "norm1", lambda: host.call(model))
        after.remove()
    assert [x.shape[1] for x in seen[:2]] == [49, 49]
    assert given[0].shape[1] == 39, "the block computes fewer all the same"


@torch.no_grad()
def test_an_error_in_the_model_does_not_leave_maps_short() -> None:
    host = HOSTS["vit"]
    model: Any = host.model()

    def fail(module: nn.Module, args: Any) -> None:
        raise ZeroDivisionError

    with tokred.apply(model, "tome", r=10):
        hook = model.head.register_forward_pre_hook(fail)
        with pytest.raises(ZeroDivisionError):
            host.call(model)
        hook.remove()
        assert timm_maps(model, pixels())[0].shape == (2, 49, 32)
