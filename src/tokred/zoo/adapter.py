"""A LoRA: what a small file changes of the weights of another model."""

from __future__ import annotations

from collections.abc import Mapping

import torch


def adapted(weights: Mapping[str, torch.Tensor], factors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Add an adapter to weights: to each layer that it adapts the product of its two factors, in float32.

    Args:
        weights: of the model that is adapted, by name.
        factors: of each layer, `LAYER.lora_A.weight` `[R, I]` and `LAYER.lora_B.weight` `[O, R]`, to be added to
            `LAYER.weight` `[O, I]`; so diffusers names them in a LoRA whose alpha is its rank.

    Raises:
        KeyError: a layer has no weight, or one factor only.
        RuntimeError: sizes do not fit.
    """
    changed = dict(weights)
    for layer in {name.rsplit(".lora_", 1)[0] for name in factors}:
        down, up = (factors[f"{layer}.lora_{factor}.weight"].float() for factor in "AB")
        changed[f"{layer}.weight"] = torch.addmm(weights[f"{layer}.weight"].float(), up, down)
    return changed
