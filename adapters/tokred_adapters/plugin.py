"""The families, as components."""

from __future__ import annotations

from collections.abc import Iterator

from tokred import Component, hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the adapters."""
    yield Component("adapter", "dit", "tokred_adapters.dit:DiTAdapter", "diffusers DiT, class-conditional")
    yield Component("adapter", "pixart", "tokred_adapters.pixart:PixArtAdapter", "diffusers PixArt-alpha and -Sigma")
    yield Component("adapter", "sd3", "tokred_adapters.sd3:SD3Adapter", "diffusers Stable Diffusion 3 and 3.5")
    yield Component("adapter", "flux", "tokred_adapters.flux:FluxAdapter", "diffusers Flux.1, double and single blocks")
    yield Component("adapter", "vit", "tokred_adapters.vit:ViTAdapter", "timm VisionTransformer")
