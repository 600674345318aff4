"""Diffusers' pipelines of today around the tiny models: prompts are embedded already, and latents come out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import diffusers
import torch

from tokred.testing.host import STEPS, Host
from tokred_adapters.tiny import hosts

HOSTS: dict[str, Host] = {host.name: host for host in hosts()}
TEXT = 5
PICTURE: dict[str, Any] = {"height": 96, "width": 128, "output_type": "latent"}
"""Latents of 12 by 16, and 6 by 8 tokens where a patch has 2 by 2."""
CLIP: dict[str, Any] = {"height": 64, "width": 96, "num_frames": 9, "output_type": "latent"}
"""Latents of 8 by 12 in 3 frames, and 4 by 6 tokens in each."""


@dataclass(frozen=True)
class TinyPipeline:
    """A pipeline class with tiny models, and how to call it.

    Attributes:
        name: what test ids call it: that of its class, and which model it has.
        build: makes the pipeline.
        arguments: what it is called with.
        denoisers: attributes of the models that are called step after step.
        branches: calls of a denoiser in each of its steps: guidance branches that are not one batch.
        output: field of what the pipeline returns.
    """

    name: str
    build: Callable[[], Any]
    arguments: Callable[[], dict[str, Any]]
    denoisers: tuple[str, ...] = ("transformer",)
    branches: int = 1
    output: str = "images"

    def __str__(self) -> str:
        return self.name

    def pipe(self) -> Any:
        """Build the pipeline."""
        pipe = self.build()
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def generate(self, pipe: Any, steps: int = STEPS, **changed: Any) -> torch.Tensor:
        """Draw the latents of two pictures or clips."""
        generator = torch.Generator().manual_seed(0)
        made = pipe(num_inference_steps=steps, generator=generator, **self.arguments() | changed)
        latents: torch.Tensor = getattr(made, self.output)
        return latents


class Ideogram4(diffusers.Ideogram4Pipeline):  # type: ignore[misc]
    """Ideogram4Pipeline takes no embedded prompts; this one draws them."""

    def encode_prompt(
        self, prompt: list[str], grid_h: int, grid_w: int, max_sequence_length: int, device: torch.device
    ) -> tuple[torch.Tensor, ...]:
        """Give each prompt a text of `max_sequence_length` tokens."""
        ids = self._prepare_ids([max_sequence_length] * len(prompt), grid_h, grid_w, max_sequence_length, device)
        features = _drawn(*ids[2].shape, self.transformer.config.llm_features_dim)
        features[:, max_sequence_length:] = 0
        return features, *ids


def _drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def _wrap(pipeline: type, model: str, scheduler: Any, part: str = "transformer", **others: Any) -> Callable[[], Any]:
    """Say how to build a pipeline around a host's model; the parts that it is not given are None."""
    parameters = list(inspect.signature(pipeline.__init__).parameters.values())[1:]
    missing = {parameter.name: None for parameter in parameters if parameter.default is parameter.empty}

    def build() -> Any:
        models = {name: HOSTS[host].model() for name, host in {part: model, **others}.items()}
        return pipeline(**missing | models | {"scheduler": scheduler()})

    return build


def _texts(width: int, negative: bool = True, **more: torch.Tensor) -> dict[str, torch.Tensor]:
    """Make the prompts of two pictures, and negative ones; `more` belongs to each."""
    made = {"prompt_embeds": _drawn(2, TEXT, width), **more}
    return made | (
        {f"negative_{name}": value if "mask" in name else -value for name, value in made.items()} if negative else {}
    )


MASK = torch.ones(2, TEXT, dtype=torch.long)


def _flow() -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler()


def _shifting() -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)


def _wan() -> Any:
    return diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)


def _wan22() -> Any:
    """Build a Wan 2.2, which has one model for the early steps and one for the late."""
    pipe = _wrap(diffusers.WanPipeline, "wan", _wan, transformer_2="wan")()
    for parameter in pipe.transformer_2.parameters():
        parameter.mul_(0.9)  # not the same model twice
    pipe.register_to_config(boundary_ratio=0.8)
    return pipe


def _klein() -> Any:
    """Build a Flux.2 Klein; it looks into its autoencoder whatever comes out."""
    pipe = _wrap(diffusers.Flux2KleinPipeline, "flux2", _shifting)()
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    pipe.register_modules(
        vae=diffusers.AutoencoderKLFlux2(
            **blocks, block_out_channels=(4,) * 4, layers_per_block=1, norm_num_groups=2, latent_channels=1
        ).eval()
    )
    return pipe


def _ideogram4() -> Any:
    return _wrap(Ideogram4, "ideogram4", _flow, unconditional_transformer="ideogram4")()


def _lists(made: dict[str, torch.Tensor]) -> dict[str, list[torch.Tensor]]:
    return {name: list(value) for name, value in made.items()}


def _pictured(width: int, negative: bool = True, **more: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {**_texts(width, negative), **PICTURE, **more}


def _moving(width: int, **more: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {**_texts(width), **CLIP, **more}


def _sdxl_texts() -> dict[str, Any]:
    return {**_texts(16, pooled_prompt_embeds=_drawn(2, 10)), **PICTURE, "height": 128}


PIPELINES = (
    TinyPipeline("wan", _wrap(diffusers.WanPipeline, "wan", _wan), _moving(16), branches=2, output="frames"),
    TinyPipeline("wan22", _wan22, _moving(16), ("transformer", "transformer_2"), 2, "frames"),
    TinyPipeline(
        "sd15",
        _wrap(diffusers.StableDiffusionPipeline, "sd15", diffusers.DDIMScheduler, "unet"),
        _pictured(16),
        ("unet",),
    ),
    TinyPipeline(
        "sdxl",
        _wrap(diffusers.StableDiffusionXLPipeline, "sdxl", diffusers.EulerDiscreteScheduler, "unet"),
        _sdxl_texts,
        ("unet",),
    ),
    TinyPipeline(
        "ltx",
        _wrap(diffusers.LTXPipeline, "ltx", _shifting),
        lambda: {**_texts(16, prompt_attention_mask=MASK), **CLIP, "height": 128, "width": 192, "num_frames": 17},
        output="frames",
    ),
    TinyPipeline(
        "qwen-image",
        _wrap(diffusers.QwenImagePipeline, "qwen-image", _shifting),
        lambda: {**_texts(12, prompt_embeds_mask=MASK), **PICTURE},
        branches=2,
    ),
    TinyPipeline("flux2", _wrap(diffusers.Flux2Pipeline, "flux2", _shifting), _pictured(12, negative=False)),
    TinyPipeline("flux2-klein", _klein, _pictured(12), branches=2),
    TinyPipeline(
        "z-image", _wrap(diffusers.ZImagePipeline, "z-image", _flow), lambda: {**_lists(_texts(12)), **PICTURE}
    ),
    TinyPipeline(
        "hunyuan-video",
        _wrap(diffusers.HunyuanVideoPipeline, "hunyuan-video", _flow),
        lambda: {
            **_texts(16, pooled_prompt_embeds=_drawn(2, 10), prompt_attention_mask=MASK),
            **CLIP,
            "true_cfg_scale": 3.0,
        },
        branches=2,
        output="frames",
    ),
    TinyPipeline(
        "cogvideox",
        _wrap(diffusers.CogVideoXPipeline, "cogvideox", diffusers.CogVideoXDDIMScheduler),
        _moving(16),
        output="frames",
    ),
    TinyPipeline(
        "chroma",
        _wrap(diffusers.ChromaPipeline, "chroma", _flow),
        lambda: {**_texts(12, prompt_attention_mask=MASK.bool()), **PICTURE},
        branches=2,
    ),
    TinyPipeline(
        "ideogram4",
        _ideogram4,
        lambda: {
            "prompt": ["a", "b"],
            "max_sequence_length": TEXT,
            "guidance_scale": 3.0,
            "guidance_schedule": None,
            **PICTURE,
        },
        ("transformer", "unconditional_transformer"),
    ),
    TinyPipeline(
        "sana",
        _wrap(diffusers.SanaPipeline, "sana", diffusers.DPMSolverMultistepScheduler),
        lambda: {
            **_texts(12, prompt_attention_mask=MASK),
            **PICTURE,
            "height": 192,  # its autoencoder shrinks 32 times
            "width": 256,
            "use_resolution_binning": False,
            "negative_prompt": None,
        },
    ),
    TinyPipeline(
        "mochi",
        _wrap(diffusers.MochiPipeline, "mochi", _flow),
        lambda: {**_texts(16, prompt_attention_mask=MASK), **CLIP, "num_frames": 13},
        output="frames",
    ),
    TinyPipeline(
        "lumina2",
        _wrap(diffusers.Lumina2Pipeline, "lumina2", _flow),
        lambda: {**_texts(12, prompt_attention_mask=MASK), **PICTURE},
        branches=2,
    ),
    TinyPipeline("cogview4", _wrap(diffusers.CogView4Pipeline, "cogview4", _shifting), _pictured(12), branches=2),
    TinyPipeline(
        "skyreels", _wrap(diffusers.SkyReelsV2Pipeline, "skyreels", _wan), _moving(16), branches=2, output="frames"
    ),
)
PIPELINE = {pipeline.name: pipeline for pipeline in PIPELINES}
