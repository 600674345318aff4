"""Configurations of tiny prompted models, of 8 x 8 pixels in 16 tokens."""

from typing import Any

PROMPTS = ("red heart", "green apple", "heart with arrow")
SD3: dict[str, Any] = {
    "sample_size": 8,
    "patch_size": 2,
    "in_channels": 3,
    "out_channels": 3,
    "num_layers": 2,
    "num_attention_heads": 2,
    "attention_head_dim": 8,
    "caption_projection_dim": 16,
    "joint_attention_dim": 12,
    "pooled_projection_dim": 20,
    "pos_embed_max_size": 4,
}
FLUX: dict[str, Any] = {
    "patch_size": 1,
    "in_channels": 12,
    "num_layers": 1,
    "num_single_layers": 1,
    "num_attention_heads": 2,
    "attention_head_dim": 8,
    "axes_dims_rope": [2, 2, 4],
    "joint_attention_dim": 12,
    "pooled_projection_dim": 20,
    "guidance_embeds": False,
}
