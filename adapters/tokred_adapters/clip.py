"""transformers' CLIP: the vision tower, by itself, in its classifier and beside the text model."""

from tokred_adapters.towers import tower

CLIP = tower(
    "clip",
    "CLIPVisionModel CLIPVisionModelWithProjection CLIPForImageClassification CLIPModel",
    layers="encoder.layers",
    norms=("layer_norm1", "layer_norm2"),
    attention=("self_attn", "out_proj", "num_heads"),
)
