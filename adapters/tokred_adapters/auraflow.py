"""diffusers' `AuraFlowTransformer2DModel`: two streams, then one; registers lead the text; absolute positions."""

from dataclasses import replace

from tokred.family import Family
from tokred.family.grids import patches
from tokred_adapters.joint import ALONE, BOTH, DOUBLE, JOINED

UNROTATED = {"norms": None, "context_norms": None, "rotary": "", "rotate": None}

AURAFLOW = Family(
    name="auraflow",
    models=("diffusers.AuraFlowTransformer2DModel",),
    grid=patches(),
    stacks=(
        replace(DOUBLE, path="joint_transformer_blocks", attention=(replace(BOTH, **UNROTATED),), rows={}),
        replace(JOINED, attention=(replace(ALONE, **UNROTATED),), mlp="ff", rows={}, norm=""),
    ),
    text=lambda model, arguments: arguments["encoder_hidden_states"].shape[1] + model.register_tokens.shape[1],
)
