"""diffusers' `AuraFlowTransformer2DModel`: two streams, then one; registers lead the text; absolute positions."""

from dataclasses import replace

from tokred.family import Attention, Family
from tokred.family.grids import patches
from tokred_adapters.joint import BOTH, DOUBLE, JOINED, ONE

AURAFLOW = Family(
    name="auraflow",
    models=("diffusers.AuraFlowTransformer2DModel",),
    grid=patches(),
    stacks=(
        replace(DOUBLE, path="joint_transformer_blocks", attention=(Attention("attn", BOTH.call),), rows={}),
        replace(JOINED, attention=(Attention("attn", ONE),), mlp="ff", rows={}, norm=""),
    ),
    text=lambda model, arguments: arguments["encoder_hidden_states"].shape[1] + model.register_tokens.shape[1],
)
