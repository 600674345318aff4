"""The models that the tests of the core run on: the classes that users run, at tiny size, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DiTTransformer2DModel, FluxTransformer2DModel, PixArtTransformer2DModel, SD3Transformer2DModel
from timm.models.vision_transformer import VisionTransformer
from torch import nn

import tokred
from tokred import Layout, SiteSpec
from tokred.registry import adapter_for

Grid = tuple[int, int]

TEXT = 5
"""Text tokens, where there are any."""
STEPS = 2
"""Of a generation: the least in which pairs are made and reused."""


@dataclass(frozen=True)
class Family:
    """A model class and how to call it.

    Attributes:
        name: what test ids call it.
        build: makes the model, whatever its weights are.
        picture: makes the shape of the picture or latents from batch and grid.
        conditions: makes every other argument but the time, from generator, batch and grid.
        time: turns a time in (0, 1] into the value that the model takes; None for a classifier.
        per_sample: whether the samples of a batch may keep different tokens.
        keys: what kept queries can attend to.
        grid: height and width of the picture in tokens; no model has as many channels as it has tokens.
        other_grid: of another picture.
    """

    name: str
    build: Callable[[], Any]
    picture: Callable[[int, Grid], tuple[int, ...]]
    conditions: Callable[[torch.Generator, int, Grid], dict[str, Any]] = lambda generator, batch, grid: {}
    time: Callable[[float], float | int] | None = None
    per_sample: bool = True
    keys: tuple[str, ...] = ("kept",)
    grid: Grid = (6, 8)
    other_grid: Grid = (8, 4)

    def __str__(self) -> str:
        return self.name

    @property
    def repeats(self) -> bool:
        """Whether the model is called step after step."""
        return self.time is not None

    def model(self, dtype: torch.dtype = torch.float32) -> Any:
        """Build the model with weights that are the same every time and let every branch count.

        Fresh weights would not do: gates of adaLN-zero and output layers start at zero.
        """
        model = self.build().eval().requires_grad_(False)
        generator = torch.Generator().manual_seed(0)
        for name, parameter in model.named_parameters():
            scales = parameter.ndim == 1 and "norm" in name and name.endswith("weight")
            parameter.normal_(mean=float(scales), std=0.2, generator=generator)
        return model.to(dtype)

    def arguments(self, model: nn.Module, seed: int, batch: int = 2, grid: Grid | None = None) -> dict[str, Any]:
        """Make the arguments of one call but the time, in the dtype of `model`."""
        generator, grid = torch.Generator().manual_seed(seed), grid or self.grid
        picture = torch.randn(self.picture(batch, grid), generator=generator)
        made = {"hidden_states" if self.repeats else "x": picture, **self.conditions(generator, batch, grid)}
        dtype = next(model.parameters()).dtype
        floats = {n: v.to(dtype) for n, v in made.items() if isinstance(v, torch.Tensor) and v.is_floating_point()}
        return made | floats

    def run(self, model: nn.Module, arguments: dict[str, Any], time: float = 0.5) -> Any:
        """Call the model once and return its tensor."""
        if self.time is None:
            return model(**arguments)
        moment = torch.tensor([self.time(time)] * len(arguments["hidden_states"]))
        return model(**arguments, timestep=moment, return_dict=False)[0]

    @torch.no_grad()
    def call(self, model: nn.Module, seed: int = 0, batch: int = 2, grid: Grid | None = None) -> torch.Tensor:
        """Call the model once, at the first of one step where it has steps."""
        with tokred.step(0, 1):
            return self.run(model, self.arguments(model, seed, batch, grid))

    @torch.no_grad()
    def generate(
        self, model: nn.Module, seed: int = 0, batch: int = 2, grid: Grid | None = None, steps: int = STEPS
    ) -> torch.Tensor:
        """Draw pictures by Euler's rule in a loop written by hand; a classifier is called once."""
        if not self.repeats:
            return self.call(model, seed, batch, grid)
        arguments = self.arguments(model, seed, batch, grid)
        for i in range(steps):
            with tokred.step(i, steps):
                velocity = self.run(model, arguments, 1 - i / steps)
            arguments["hidden_states"] = arguments["hidden_states"] - velocity / steps
        return arguments["hidden_states"]


def sites_of(model: nn.Module, kind: str | None = None) -> list[SiteSpec]:
    """List the sites that tokred's adapter offers for `model`, of one kind or all."""
    return [site for site in adapter_for(model).sites(model) if kind in (None, site.kind)]


def blocks_of(model: nn.Module) -> list[nn.Module]:
    """List the transformer blocks of `model`."""
    return [site.module for site in sites_of(model, "block")]


def layout_of(model: nn.Module, arguments: dict[str, Any]) -> Layout:
    """Work out the layout of a call."""
    return adapter_for(model).layout(model, arguments)


def _dit() -> Any:
    return DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=3,
        out_channels=3,
        num_layers=2,
        sample_size=16,
        patch_size=2,
        num_embeds_ada_norm=1000,
    )


def _pixart() -> Any:
    return PixArtTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        cross_attention_dim=32,
        sample_size=16,
        patch_size=2,
        caption_channels=12,
        use_additional_conditions=False,
    )


def _sd3(**kwargs: Any) -> Any:
    return SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=12,
        caption_projection_dim=32,
        pooled_projection_dim=14,
        pos_embed_max_size=12,
        **kwargs,
    )


def _flux() -> Any:
    return FluxTransformer2DModel(
        in_channels=4,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=12,
        pooled_projection_dim=14,
        axes_dims_rope=(4, 6, 6),
    )


def _vit(**kwargs: Any) -> Any:
    return VisionTransformer(
        img_size=(24, 32),
        patch_size=4,
        embed_dim=32,
        depth=2,
        num_heads=2,
        num_classes=7,
        dynamic_img_size=True,
        **kwargs,
    )


def _latents(channels: int, patch: int) -> Callable[[int, Grid], tuple[int, ...]]:
    return lambda batch, grid: (batch, channels, grid[0] * patch, grid[1] * patch)


def _label(generator: torch.Generator, batch: int, grid: Grid) -> dict[str, Any]:
    return {"class_labels": torch.randint(10, (batch,), generator=generator)}


def _caption(generator: torch.Generator, batch: int, grid: Grid) -> dict[str, Any]:
    mask = torch.ones(batch, TEXT)
    mask[:, -2:] = 0  # padding
    text = torch.randn(batch, TEXT, 12, generator=generator)
    size = {"resolution": None, "aspect_ratio": None}
    return {"encoder_hidden_states": text, "encoder_attention_mask": mask, "added_cond_kwargs": size}


def _prompt(generator: torch.Generator, batch: int, grid: Grid) -> dict[str, Any]:
    return {
        "encoder_hidden_states": torch.randn(batch, TEXT, 12, generator=generator),
        "pooled_projections": torch.randn(batch, 14, generator=generator),
    }


def _prompt_and_ids(generator: torch.Generator, batch: int, grid: Grid) -> dict[str, Any]:
    rows, columns = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    ids = torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).reshape(-1, 3)
    return {**_prompt(generator, batch, grid), "img_ids": ids.float(), "txt_ids": torch.zeros(TEXT, 3)}


def _thousandths(time: float) -> int:
    return round(999 * time)


FAMILIES = (
    Family(  # this class draws square pictures only
        "dit",
        _dit,
        _latents(3, 2),
        _label,
        _thousandths,
        keys=("kept", "full", "recovered"),
        grid=(6, 6),
        other_grid=(4, 4),
    ),
    Family("pixart", _pixart, _latents(4, 2), _caption, _thousandths, keys=("kept", "full", "recovered")),
    Family("sd3", _sd3, _latents(4, 2), _prompt, _thousandths, keys=("kept", "full", "recovered")),
    Family(
        "sd35",
        lambda: _sd3(dual_attention_layers=(0,), qk_norm="rms_norm"),
        _latents(4, 2),
        _prompt,
        _thousandths,
        keys=("kept", "full", "recovered"),
    ),
    Family(
        "flux",
        _flux,
        lambda batch, grid: (batch, grid[0] * grid[1], 4),
        _prompt_and_ids,
        float,
        per_sample=False,
        keys=("kept", "full", "recovered"),
    ),
    Family("vit", _vit, _latents(3, 4)),
    Family("deit3", lambda: _vit(init_values=1e-6, no_embed_class=True), _latents(3, 4)),
    Family("vit-registers", lambda: _vit(reg_tokens=4, class_token=True), _latents(3, 4)),
)
DIFFUSERS = tuple(family for family in FAMILIES if family.repeats)
VITS = tuple(family for family in FAMILIES if not family.repeats)
BY_NAME = {family.name: family for family in FAMILIES}
