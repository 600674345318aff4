"""The zoo's classifiers: timm's own `VisionTransformer`, its patches embedded by a few convolutions where asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from timm.models import VisionTransformer
from torch import nn

from tokred.errors import SpecError

GROUPS = 8


def build(config: dict[str, Any], classes: Sequence[str]) -> VisionTransformer:
    """See `tokred.zoo.families.Family`; `config` is that of `VisionTransformer`.

    `stem` in it, a list of widths, embeds patches by 3 x 3 convolutions in place of one product (Xiao et al., "Early
    Convolutions Help Transformers See Better", 2021); the first ones halve the picture until a place is a patch.

    Raises:
        SpecError: if the stem has too few convolutions for the patch size, or widths that cannot be grouped.
    """
    settings = dict(config)
    widths = settings.pop("stem", [])
    network = VisionTransformer(**settings, num_classes=len(classes))
    if widths:
        network.patch_embed.proj = stem(settings["in_chans"], widths, settings["embed_dim"], settings["patch_size"])
    return network


def stem(channels: int, widths: Sequence[int], out: int, patch: int) -> nn.Sequential:
    """Return the convolutions from pictures `[B, channels, H, W]` to tokens `[B, out, H / patch, W / patch]`."""
    halvings = patch.bit_length() - 1
    if patch != 2**halvings or len(widths) < halvings or any(width % GROUPS for width in widths):
        raise SpecError(
            f"stem={list(widths)!r} does not fit patch_size={patch}: the patch size must be a power of 2 and each of "
            f"its halvings have a width, and widths be multiples of {GROUPS}."
        )
    layers: list[nn.Module] = []
    for index, (narrow, wide) in enumerate(pairwise([channels, *widths])):
        convolution = nn.Conv2d(narrow, wide, 3, stride=2 if index < halvings else 1, padding=1)
        layers += [convolution, nn.GroupNorm(GROUPS, wide), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], out, 1))
