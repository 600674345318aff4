"""transformers' SigLIP: the vision tower, by itself, in its classifier and beside the text model; no class token."""

from tokred_adapters.towers import tower

SIGLIP = tower(
    "siglip",
    "SiglipVisionModel SiglipForImageClassification SiglipModel",
    layers="encoder.layers",
    norms=("layer_norm1", "layer_norm2"),
    attention=("self_attn", "out_proj", "num_heads"),
    class_token=False,
)
