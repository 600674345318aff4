"""The model of the tests of methods at a real site."""

from __future__ import annotations

import pytest
import torch
from diffusers import DiTTransformer2DModel
from torch import nn


@pytest.fixture
def model() -> DiTTransformer2DModel:
    torch.manual_seed(0)
    model = DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=2,
        num_layers=1,
        sample_size=12,
        patch_size=2,
        num_embeds_ada_norm=2,
    )
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    return model.eval()
