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
    yield _family("wan", "diffusers Wan 2.1 and 2.2, VACE, Animate, ChronoEdit", "wan:WAN")
    yield _family("skyreels", "diffusers SkyReels V2", "wan:SKYREELS")
    yield _family("ltx", "diffusers LTX Video", "ltx:LTX")
    yield _family("hunyuan_video", "diffusers HunyuanVideo, double and single blocks", "hunyuan_video:HUNYUAN_VIDEO")
    yield _family("hunyuan_video_15", "diffusers HunyuanVideo 1.5", "hunyuan_video:HUNYUAN_VIDEO_15")
    yield _family("motif_video", "diffusers MotifVideo", "hunyuan_video:MOTIF_VIDEO")
    yield _family("cogvideox", "diffusers CogVideoX and 1.5", "cogvideox:COGVIDEOX")
    yield _family("consisid", "diffusers ConsisID", "cogvideox:CONSISID")
    yield _family("mochi", "diffusers Mochi")
    yield _family("cosmos", "diffusers Cosmos")
    yield _family("easyanimate", "diffusers EasyAnimate")
    yield _family("allegro", "diffusers Allegro", "allegro:ALLEGRO")
    yield _family("sana_video", "diffusers SanaVideo, attention only")
    yield _family("unet", "diffusers UNet2DConditionModel, as in Stable Diffusion 1.5 and XL", "unet:UNET")


def _family(name: str, summary: str, hosts: str = "") -> Component:
    target, tiny = f"tokred_adapters.{name}:{name.upper()}", f"tokred_adapters.tiny.{hosts or f'{name}:HOSTS'}"
    return Component("family", name, target, summary, hosts=tiny)
