"""Watching sees what the model computes, and leaves no trace."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import DiTTransformer2DModel

from tokred.analysis import Seen, watching
from tokred.family.sites import sites_of
from tokred.registry import family_for
from tokred.zoo.dit import pipeline
from tokred.zoo.draw import draw


@pytest.fixture
def pipe() -> Any:
    torch.manual_seed(0)
    shape = {"num_attention_heads": 2, "attention_head_dim": 8, "in_channels": 3, "out_channels": 3, "num_layers": 2}
    model = DiTTransformer2DModel(**shape, sample_size=8, patch_size=2, num_embeds_ada_norm=3)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return pipeline(model.eval(), list("abc"), 8)


def test_sees_inputs_and_residual_branches_of_every_step(pipe: Any) -> None:
    family = family_for(pipe.transformer, "a test")
    sites = [site for site in sites_of(family, pipe.transformer) if site.depth == 1]
    modules = {site.kind: site.module for site in sites}
    raw: dict[str, list[torch.Tensor]] = {kind: [] for kind in modules}
    hooks = [
        module.register_forward_hook(lambda _, args, out, kind=kind: raw[kind].append(out))
        for kind, module in modules.items()
    ]
    calls: list[Seen] = []
    with watching(pipe, family, sites, calls.append):
        watched = draw(pipe, {"class_labels": [0, 2]}, [1, 2], 3, 1.0)
    for hook in hooks:
        hook.remove()
    assert [call.position.step for call in calls if call.site.kind == "attn"] == [0, 1, 2]
    for kind, outputs in raw.items():
        found = [call for call in calls if call.site.kind == kind]
        for call, output in zip(found, outputs, strict=True):
            assert call.inputs.shape == call.outputs.shape == (2, 16, 16)
            branch = output - call.inputs if kind == "block" else output
            assert torch.equal(call.outputs, branch)
    assert torch.equal(draw(pipe, {"class_labels": [0, 2]}, [1, 2], 3, 1.0), watched)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in pipe.transformer.modules())
    assert "step" not in vars(pipe.scheduler)
