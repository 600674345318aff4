"""The models that are measured: the classes and sizes of released models, with random weights.

Each configuration is that of the released checkpoint named beside it (`transformer/config.json` there), written down
by hand; what is left out is the class's default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["flux", "sd3", "pixart", "dit", "vit", "unet", "wan"]
DIFFUSERS_TINY = {"num_layers": 2, "num_attention_heads": 2, "attention_head_dim": 16}


@dataclass(frozen=True)
class RealModel:
    """A released model's architecture and how it is called.

    Attributes:
        name: what results call it.
        family: which class it is, and which arguments a call takes.
        source: where the configuration is from.
        config: keyword arguments of the class.
        tiny: those that take their place at tiny size.
        pixels: heights of the pictures that are measured, the most wanted first; pictures are square, and frames of a
            video in 26 : 15.
        batch: samples in a call: 2 where guidance doubles the one picture.
        text: text tokens.
        sized: the keyword that holds the picture's size, where each size is a checkpoint of its own.
        compiled: picture sizes at which it is measured compiled.
        compiles_whole: whether it is compiled as a whole too, which takes minutes.
    """

    name: str
    family: Family
    source: str
    config: Mapping[str, Any]
    tiny: Mapping[str, Any]
    pixels: tuple[int, ...]
    batch: int
    text: int = 0
    sized: str | None = None
    compiled: tuple[int, ...] = ()
    compiles_whole: bool = False


MODELS = (
    RealModel(
        name="dit-xl-2",
        family="dit",
        source="huggingface.co/facebook/DiT-XL-2-256 and DiT-XL-2-512",
        config={
            "num_attention_heads": 16,
            "attention_head_dim": 72,
            "in_channels": 4,
            "out_channels": 8,
            "num_layers": 28,
            "patch_size": 2,
            "num_embeds_ada_norm": 1000,
        },
        tiny=DIFFUSERS_TINY,
        pixels=(512, 256),
        batch=2,
        sized="sample_size",
        compiled=(512,),
        compiles_whole=True,
    ),
    RealModel(
        name="vit-l-16",
        family="vit",
        source="timm's vit_large_patch16_224 and _384",
        config={"patch_size": 16, "embed_dim": 1024, "depth": 24, "num_heads": 16},
        tiny={"embed_dim": 32, "depth": 2, "num_heads": 2},
        pixels=(384, 224, 512),
        batch=64,
        sized="img_size",
        compiled=(384,),
    ),
    RealModel(
        name="pixart-sigma-xl-2",
        family="pixart",
        source="huggingface.co/PixArt-alpha/PixArt-Sigma-XL-2-512-MS, -1024-MS and -2K-MS",
        config={
            "num_attention_heads": 16,
            "attention_head_dim": 72,
            "in_channels": 4,
            "out_channels": 8,
            "num_layers": 28,
            "cross_attention_dim": 1152,
            "patch_size": 2,
            "caption_channels": 4096,
            "use_additional_conditions": False,
        },
        tiny={**DIFFUSERS_TINY, "cross_attention_dim": 32, "caption_channels": 12},
        pixels=(1024, 512, 2048),
        batch=2,
        text=300,
        sized="sample_size",
        compiled=(1024,),
    ),
    RealModel(
        name="sd3.5-medium",
        family="sd3",
        source="huggingface.co/stabilityai/stable-diffusion-3.5-medium",
        config={
            "sample_size": 128,
            "patch_size": 2,
            "in_channels": 16,
            "out_channels": 16,
            "num_layers": 24,
            "attention_head_dim": 64,
            "num_attention_heads": 24,
            "joint_attention_dim": 4096,
            "caption_projection_dim": 1536,
            "pooled_projection_dim": 2048,
            "pos_embed_max_size": 384,
            "dual_attention_layers": tuple(range(13)),
            "qk_norm": "rms_norm",
        },
        tiny={
            **DIFFUSERS_TINY,
            "joint_attention_dim": 12,
            "caption_projection_dim": 32,
            "pooled_projection_dim": 14,
            "pos_embed_max_size": 16,
            "dual_attention_layers": (0,),
        },
        pixels=(1024, 512, 2048),
        batch=2,
        text=333,
        compiled=(1024,),
    ),
    RealModel(
        name="flux-dev",
        family="flux",
        source="huggingface.co/black-forest-labs/FLUX.1-dev",
        config={
            "patch_size": 1,
            "in_channels": 64,
            "num_layers": 19,
            "num_single_layers": 38,
            "attention_head_dim": 128,
            "num_attention_heads": 24,
            "joint_attention_dim": 4096,
            "pooled_projection_dim": 768,
            "guidance_embeds": True,
            "axes_dims_rope": (16, 56, 56),
        },
        tiny={
            **DIFFUSERS_TINY,
            "num_layers": 1,
            "num_single_layers": 1,
            "joint_attention_dim": 12,
            "pooled_projection_dim": 14,
            "axes_dims_rope": (4, 6, 6),
        },
        pixels=(1024, 512, 2048),
        batch=1,
        text=512,
        compiled=(1024, 2048),
    ),
    RealModel(
        name="sdxl",
        family="unet",
        source="huggingface.co/stabilityai/stable-diffusion-xl-base-1.0",
        config={
            "sample_size": 128,
            "block_out_channels": (320, 640, 1280),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "transformer_layers_per_block": (1, 2, 10),
            "attention_head_dim": (5, 10, 20),
            "cross_attention_dim": 2048,
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        },
        tiny={
            "block_out_channels": (8, 16, 32),
            "norm_num_groups": 4,
            "transformer_layers_per_block": 1,
            "attention_head_dim": (1, 2, 4),
            "cross_attention_dim": 12,
            "projection_class_embeddings_input_dim": 1536 + 14,
        },
        pixels=(1024,),
        batch=2,
        text=77,
        compiled=(1024,),
    ),
    RealModel(
        name="wan-1.3b",
        family="wan",
        source="huggingface.co/Wan-AI/Wan2.1-T2V-1.3B-Diffusers, 81 frames",
        config={
            "num_layers": 30,
            "num_attention_heads": 12,
            "attention_head_dim": 128,
            "in_channels": 16,
            "out_channels": 16,
            "text_dim": 4096,
            "freq_dim": 256,
            "ffn_dim": 8960,
        },
        tiny={**DIFFUSERS_TINY, "text_dim": 12, "freq_dim": 16, "ffn_dim": 32},
        pixels=(480,),
        batch=2,
        text=512,
        compiled=(480,),
    ),
)
"""In the order in which they are measured on a GPU."""
TINY_PIXELS = 64
