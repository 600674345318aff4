"""The families, as components."""

from __future__ import annotations

from collections.abc import Iterator

from tokred import Component, hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the adapters."""
    yield _adapter("dit", "DiTAdapter", "diffusers DiT, class-conditional")
    yield _adapter("pixart", "PixArtAdapter", "diffusers PixArt-alpha and -Sigma")
    yield _adapter("sd3", "SD3Adapter", "diffusers Stable Diffusion 3 and 3.5")
    yield _adapter("flux", "FluxAdapter", "diffusers Flux.1, double and single blocks")
    yield _adapter("vit", "ViTAdapter", "timm VisionTransformer")


def _adapter(name: str, target: str, summary: str) -> Component:
    return Component(
        "adapter", name, f"tokred_adapters.{name}:{target}", summary, hosts=f"tokred.testing.hosts:{name.upper()}"
    )
