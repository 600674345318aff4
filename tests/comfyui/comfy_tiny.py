"""ComfyUI's own classes at tiny size, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import comfy.model_patcher
import comfy.sample
import comfy.samplers
import comfy.supported_models as supported
import torch

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Tiny:
    """A tiny model and what it is drawn from.

    Attributes:
        config: ComfyUI's description of the class.
        network: arguments of the network.
        latent: shape of an empty latent, without the batch.
        text: channels of the text's tokens.
        pooled: channels of the pooled text.
    """

    config: type[Any]
    network: dict[str, Any]
    latent: tuple[int, ...]
    text: int
    pooled: int = 16

    def patcher(self) -> Any:
        """Make the model, always with the same weights, in ComfyUI's patcher."""
        config = self.config({**self.network, "dtype": torch.float32})
        config.set_inference_dtype(torch.float32, None)
        model = config.get_model({}, "", device=CPU)
        generator = torch.Generator().manual_seed(0)
        network = model.diffusion_model
        for tensor in [*network.parameters(), *network.buffers()]:
            tensor.data.normal_(std=0.1, generator=generator)
        return comfy.model_patcher.ModelPatcher(model, CPU, CPU)

    def conditions(self, seed: int) -> list[Any]:
        """Make what a text encoder would."""
        generator = torch.Generator().manual_seed(seed)
        tokens = torch.randn(1, 5, self.text, generator=generator)
        return [[tokens, {"pooled_output": torch.randn(1, self.pooled, generator=generator)}]]

    def empty(self, batch: int = 1) -> torch.Tensor:
        """Make an empty latent."""
        return torch.zeros(batch, *self.latent)


FLUX = Tiny(
    supported.Flux,
    {
        "image_model": "flux",
        "in_channels": 16,
        "out_channels": 16,
        "vec_in_dim": 16,
        "context_in_dim": 24,
        "hidden_size": 64,
        "mlp_ratio": 2.0,
        "num_heads": 4,
        "depth": 2,
        "depth_single_blocks": 2,
        "axes_dim": [4, 6, 6],
        "theta": 10000,
        "patch_size": 2,
        "qkv_bias": True,
        "guidance_embed": True,
        "txt_ids_dims": [],
    },
    (16, 16, 12),
    24,
)
SD3 = Tiny(
    supported.SD3,
    {
        "in_channels": 16,
        "patch_size": 2,
        "input_size": None,
        "pos_embed_scaling_factor": None,
        "pos_embed_max_size": 16,
        "num_patches": 256,
        "depth": 2,
        "adm_in_channels": 16,
        "context_embedder_config": {
            "target": "torch.nn.Linear",
            "params": {"in_features": 24, "out_features": 128},
        },
        "qk_norm": "rms",
        "x_block_self_attn_layers": [0],
    },
    (16, 16, 12),
    24,
)
WAN = Tiny(
    supported.WAN21_T2V,
    {
        "image_model": "wan2.1",
        "model_type": "t2v",
        "dim": 48,
        "ffn_dim": 64,
        "num_heads": 4,
        "num_layers": 2,
        "in_dim": 16,
        "out_dim": 16,
        "text_dim": 24,
        "freq_dim": 32,
    },
    (16, 3, 8, 12),
    24,
)
QWEN_IMAGE = Tiny(
    supported.QwenImage,
    {
        "image_model": "qwen_image",
        "in_channels": 64,
        "num_layers": 2,
        "attention_head_dim": 16,
        "num_attention_heads": 4,
        "joint_attention_dim": 24,
        "axes_dims_rope": (4, 6, 6),
    },
    (16, 1, 16, 12),
    24,
)
SDXL = Tiny(
    supported.SDXL,
    {
        "image_size": 32,
        "in_channels": 4,
        "out_channels": 4,
        "model_channels": 64,
        "num_res_blocks": [1, 1],
        "channel_mult": [1, 2],
        "transformer_depth": [0, 1],
        "transformer_depth_middle": 1,
        "transformer_depth_output": [0, 0, 1, 1],
        "use_spatial_transformer": True,
        "use_linear_in_transformer": True,
        "context_dim": 24,
        "num_classes": "sequential",
        "adm_in_channels": 16 + 6 * 256,
        "use_temporal_attention": False,
        "legacy": False,
    },
    (4, 16, 12),
    24,
)
MODELS = {"flux": FLUX, "sd3": SD3, "wan": WAN, "qwen-image": QWEN_IMAGE, "sdxl": SDXL}
Change = Callable[[Any], Any]


def draw(
    tiny: Tiny,
    model: Any,
    sampler: str = "euler",
    steps: int = 20,
    cfg: float = 3.0,
    batch: int = 1,
    seed: int = 1,
    scheduler: str = "normal",
    **options: Any,
) -> torch.Tensor:
    """Draw a latent by ComfyUI's `sample`, which its KSampler node calls."""
    empty = tiny.empty(batch)
    noise = comfy.sample.prepare_noise(empty, seed)
    return comfy.sample.sample(
        model,
        noise,
        steps,
        cfg,
        sampler,
        scheduler,
        tiny.conditions(2),
        tiny.conditions(3),
        empty,
        seed=seed,
        disable_pbar=True,
        **options,
    )
