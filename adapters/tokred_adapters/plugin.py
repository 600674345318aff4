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
    yield _family("vit", "timm VisionTransformer, blocks of any kind", "vit:VIT_HOSTS")
    yield _family("eva", "timm Eva: EVA-02, DINOv3, Perception Encoder", "vit:EVA_HOSTS")
    yield _family("beit", "timm Beit", "vit:BEIT_HOSTS")
    yield _family("hf_vit", "transformers ViT", "hf_vit:VIT_HOSTS")
    yield _family("dinov2", "transformers DINOv2, with registers and without", "hf_vit:DINOV2_HOSTS")
    yield _family("dinov3", "transformers DINOv3", "hf_vit:DINOV3_HOSTS")
    yield _family("clip", "transformers CLIP vision tower", "hf_vit:CLIP_HOSTS")
    yield _family("siglip", "transformers SigLIP vision tower", "hf_vit:SIGLIP_HOSTS")


def _family(name: str, summary: str, hosts: str = "") -> Component:
    hosts = f"tokred_adapters.tiny.{hosts or f'{name}:HOSTS'}"
    return Component("family", name, f"tokred_adapters.{name}:{name.upper()}", summary, hosts=hosts)
