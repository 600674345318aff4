"""transformers' DINOv3: rotary positions; class and register tokens lead. That of timm is an `Eva`."""

from tokred_adapters.towers import tower

DINOV3 = tower(
    "dinov3",
    "DINOv3ViTModel DINOv3ViTBackbone",
    layers="model.layer",
    norms=("norm1", "norm2"),
    attention=("attention", "o_proj", "num_heads"),
    rotary="position_embeddings",
)
