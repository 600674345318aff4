"""transformers' ViT, by itself and in its classifier."""

from tokred_adapters.towers import tower

HF_VIT = tower(
    "hf_vit",
    "ViTModel ViTForImageClassification ViTForMaskedImageModeling",
    layers="layers",
    norms=("layernorm_before", "layernorm_after"),
)
