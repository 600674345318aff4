"""Whole tiny pipelines of diffusers, text models and autoencoders and all, that can be saved and asked in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image

from tokred.testing.host import Host
from tokred_adapters.tiny import hosts

HOSTS: dict[str, Host] = {host.name: host for host in hosts()}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PROMPTS = ("a fox", "an apple")
SMALL = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@dataclass(frozen=True)
class Saved:
    """A pipeline, and how it is called.

    Attributes:
        build: makes it.
        call: arguments of every call.
        pictures: arguments that are pictures.
        method: what is measured beside a baseline.
    """

    build: Callable[[], Any]
    call: dict[str, Any]
    pictures: tuple[str, ...] = ()
    method: str = "tomesd:ratio=0.25"

    def pipe(self) -> Any:
        """Build it."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            pipe = self.build()
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def requests(self, folder: Path) -> list[dict[str, Any]]:
        """Write what is asked for as `prompts.jsonl` in a folder, with its pictures; return it."""
        noise = np.random.default_rng(0).integers(0, 256, (len(PROMPTS), 64, 64, 3), dtype=np.uint8)
        lines, requests = [], []
        for place, prompt in enumerate(PROMPTS):
            image = Image.fromarray(noise[place])
            made = {"image": image, "mask_image": image.point(lambda x: 255 * (x > 127)).convert("L").convert("RGB")}
            for name in self.pictures:
                made[name].save(folder / f"{name}-{place}.png")
            lines.append({"prompt": prompt} | {name: f"{name}-{place}.png" for name in self.pictures})
            requests.append({"prompt": prompt} | {name: made[name] for name in self.pictures})
        (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, lines)))
        return requests


def _clip_tokenizer() -> Any:
    tokens = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=16)


def _clip(width: int, pooled: int | None = None) -> Any:
    config = transformers.CLIPTextConfig(
        hidden_size=width, vocab_size=54, max_position_embeddings=16, bos_token_id=0, eos_token_id=1, pad_token_id=1,
        projection_dim=pooled or width, **SMALL,
    )  # fmt: skip
    return (transformers.CLIPTextModelWithProjection if pooled else transformers.CLIPTextModel)(config).eval()


def _t5_tokenizer() -> Any:
    pieces = ["<pad>", "</s>", "<unk>", "▁", *LETTERS]
    return transformers.T5TokenizerFast(vocab=[(piece, -1.0) for piece in pieces], extra_ids=0, model_max_length=32)


def _t5(width: int, kind: Any = transformers.T5EncoderModel, config: Any = transformers.T5Config) -> Any:
    small = {"d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 2, "vocab_size": 40}
    return kind(config(d_model=width, **small)).eval()


def _vae(channels: int) -> Any:
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    sizes = {"block_out_channels": (4, 4), "norm_num_groups": 2, "latent_channels": channels, "shift_factor": 0.1}
    return diffusers.AutoencoderKL(**blocks, **sizes).eval()


def _sdxl() -> Any:
    unet = HOSTS["sdxl"].model()
    return diffusers.StableDiffusionXLPipeline(
        vae=_vae(unet.config.in_channels),
        text_encoder=_clip(8),
        text_encoder_2=_clip(8, 10),
        tokenizer=_clip_tokenizer(),
        tokenizer_2=_clip_tokenizer(),
        unet=unet,
        scheduler=diffusers.EulerDiscreteScheduler(),
    )


def _flux(kind: Any) -> Callable[[], Any]:
    return lambda: kind(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=_vae(1),
        text_encoder=_clip(14),
        tokenizer=_clip_tokenizer(),
        text_encoder_2=_t5(12),
        tokenizer_2=_t5_tokenizer(),
        transformer=HOSTS["flux"].model(),
    )


def _wan() -> Any:
    latents = {"z_dim": 4, "latents_mean": [0.0] * 4, "latents_std": [1.0] * 4}
    vae = diffusers.AutoencoderKLWan(
        base_dim=3, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True], **latents
    )
    return diffusers.WanPipeline(
        tokenizer=_t5_tokenizer(),
        text_encoder=_t5(16, transformers.UMT5EncoderModel, transformers.UMT5Config),
        vae=vae.eval(),
        scheduler=diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True),
        transformer=HOSTS["wan"].model(),
    )


def _qwen_tokenizer() -> Any:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocabulary = {token: place for place, token in enumerate([*bytes_to_unicode().values(), *special])}
    return transformers.Qwen2Tokenizer(vocab=vocabulary, merges=[])


def _qwen() -> Any:
    latents = {"z_dim": 4, "latents_mean": [0.0] * 4, "latents_std": [1.0] * 4}
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=4, dim_mult=[1, 2, 4], num_res_blocks=1, temperal_downsample=[False, True], **latents
    )
    sides = {"rope_type": "default", "type": "default", "mrope_section": [1, 1, 1], "rope_theta": 10000.0}
    text = {"hidden_size": 12, "num_key_value_heads": 2, "vocab_size": 300, "rope_scaling": sides, **SMALL}
    vision = {"depth": 1, "hidden_size": 8, "num_heads": 2, "intermediate_size": 8, "out_hidden_size": 12}
    config = transformers.Qwen2_5_VLConfig(text_config=text, vision_config=vision)
    return diffusers.QwenImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=vae.eval(),
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config).eval(),
        tokenizer=_qwen_tokenizer(),
        transformer=HOSTS["qwen-image"].model(),
    )


SIZE = {"height": 64, "width": 64}
FROM_PICTURE = {**SIZE, "strength": 0.8, "max_sequence_length": 32}
PIPELINES = {
    "sdxl": Saved(_sdxl, SIZE),
    "wan": Saved(_wan, {**SIZE, "num_frames": 5}, method="random:ratio=0.25"),
    "qwen-image": Saved(_qwen, SIZE),
    "flux-img2img": Saved(_flux(diffusers.FluxImg2ImgPipeline), FROM_PICTURE, ("image",)),
    "flux-inpainting": Saved(_flux(diffusers.FluxInpaintPipeline), FROM_PICTURE, ("image", "mask_image")),
}
