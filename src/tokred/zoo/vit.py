"""The zoo's classifiers: timm's own `VisionTransformer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from timm.models import VisionTransformer


def build(config: dict[str, Any], classes: Sequence[str]) -> VisionTransformer:
    """See `tokred.zoo.families.Family`; `config` is that of `VisionTransformer`."""
    return VisionTransformer(**config, num_classes=len(classes))
