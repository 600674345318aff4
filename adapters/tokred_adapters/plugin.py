"""The families, as components."""

from __future__ import annotations

from collections.abc import Iterator

from tokred import Component, hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the families."""
    yield _family("dit", "diffusers DiT, class-conditional")
    yield _family("pixart", "diffusers PixArt-alpha and -Sigma")
    yield _family("sd3", "diffusers Stable Diffusion 3 and 3.5")
    yield _family("flux", "diffusers Flux.1, double and single blocks")
    yield _family("vit", "timm VisionTransformer")


def _family(name: str, summary: str) -> Component:
    return Component(
        "family", name, f"tokred_adapters.{name}:{name.upper()}", summary, hosts=f"tokred_adapters.tiny.{name}:HOSTS"
    )
