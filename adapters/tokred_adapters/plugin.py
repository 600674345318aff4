"""The families, as components."""

from __future__ import annotations

from collections.abc import Iterator

from tokred import Component, hookimpl

FAMILIES = {
    "dit": "diffusers DiT, class-conditional",
    "pixart": "diffusers PixArt-alpha and -Sigma",
    "sd3": "diffusers Stable Diffusion 3 and 3.5",
    "flux": "diffusers Flux.1, double and single blocks",
    "flux2": "diffusers Flux.2, double and single blocks",
    "qwenimage": "diffusers Qwen-Image and Qwen-Image-Edit",
    "zimage": "diffusers Z-Image",
    "chroma": "diffusers Chroma",
    "bria": "diffusers Bria 3",
    "bria-fibo": "diffusers Bria Fibo",
    "longcat-image": "diffusers LongCat-Image",
    "ovis-image": "diffusers Ovis-Image",
    "vit": "timm VisionTransformer",
}
"""Each in a file of its name, with tiny models in another in `tiny`."""
HOSTS = {"bria-fibo": "bria_fibo:BRIA_FIBO"}
"""Where the tiny models are, of families that share a file of them."""


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the families."""
    for name, summary in FAMILIES.items():
        file = name.replace("-", "_")
        hosts = f"tokred_adapters.tiny.{HOSTS.get(name, f'{file}:HOSTS')}"
        yield Component("family", name, f"tokred_adapters.{file}:{file.upper()}", summary, hosts=hosts)
