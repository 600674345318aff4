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
    "qwenimage21": "diffusers Qwen-Image 2.1",
    "zimage": "diffusers Z-Image",
    "lumina2": "diffusers Lumina Image 2",
    "auraflow": "diffusers AuraFlow",
    "hunyuan-image": "diffusers HunyuanImage 2.1",
    "hunyuan-dit": "diffusers Hunyuan-DiT",
    "hidream": "diffusers HiDream, square pictures",
    "cogview3-plus": "diffusers CogView 3 Plus",
    "cogview4": "diffusers CogView 4",
    "glm-image": "diffusers GLM-Image",
    "chroma": "diffusers Chroma",
    "krea2": "diffusers Krea 2",
    "kandinsky5": "diffusers Kandinsky 5, pictures and videos",
    "sana": "diffusers Sana, attention only",
    "prx": "diffusers PRX",
    "omnigen": "diffusers OmniGen",
    "lumina-next": "diffusers Lumina-Next, MLPs and whole blocks",
    "flux3": "diffusers Flux.3, single blocks",
    "ideogram4": "diffusers Ideogram 4",
    "joyimage": "diffusers JoyImage and JoyImage-Edit",
    "joyimage-edit-plus": "diffusers JoyImage-Edit-Plus",
    "nucleus": "diffusers Nucleus, attention only",
    "bria": "diffusers Bria 3",
    "bria-fibo": "diffusers Bria Fibo",
    "bria-fibo2": "diffusers Bria Fibo 2",
    "longcat-image": "diffusers LongCat-Image",
    "ovis-image": "diffusers Ovis-Image",
    "wan": "diffusers Wan 2.1 and 2.2, VACE, Animate, ChronoEdit",
    "skyreels": "diffusers SkyReels V2",
    "ltx": "diffusers LTX Video",
    "hunyuan-video": "diffusers HunyuanVideo, double and single blocks",
    "hunyuan-video-15": "diffusers HunyuanVideo 1.5",
    "motif-video": "diffusers MotifVideo",
    "cogvideox": "diffusers CogVideoX and 1.5",
    "consisid": "diffusers ConsisID",
    "mochi": "diffusers Mochi",
    "cosmos": "diffusers Cosmos",
    "easyanimate": "diffusers EasyAnimate",
    "allegro": "diffusers Allegro",
    "sana-video": "diffusers SanaVideo, attention only",
    "unet": "diffusers UNet2DConditionModel, as in Stable Diffusion 1.5 and XL",
    "vit": "timm VisionTransformer, blocks of any kind",
    "eva": "timm Eva: EVA-02, DINOv3, Perception Encoder",
    "beit": "timm Beit",
    "hf-vit": "transformers ViT",
    "dinov2": "transformers DINOv2, with registers and without",
    "dinov3": "transformers DINOv3",
    "clip": "transformers CLIP vision tower",
    "siglip": "transformers SigLIP vision tower",
}
"""Each in a file of its name, with tiny models in another in `tiny`."""
HOSTS = {
    "bria-fibo": "bria_fibo:BRIA_FIBO",
    "bria-fibo2": "bria_fibo:BRIA_FIBO2",
    "cogview3-plus": "cogview:COGVIEW3_PLUS",
    "cogview4": "cogview:COGVIEW4",
    "wan": "wan:WAN",
    "skyreels": "wan:SKYREELS",
    "ltx": "ltx:LTX",
    "hunyuan-video": "hunyuan_video:HUNYUAN_VIDEO",
    "hunyuan-video-15": "hunyuan_video:HUNYUAN_VIDEO_15",
    "motif-video": "hunyuan_video:MOTIF_VIDEO",
    "cogvideox": "cogvideox:COGVIDEOX",
    "consisid": "cogvideox:CONSISID",
    "allegro": "allegro:ALLEGRO",
    "unet": "unet:UNET",
    "vit": "vit:VIT_HOSTS",
    "eva": "vit:EVA_HOSTS",
    "beit": "vit:BEIT_HOSTS",
    "hf-vit": "hf_vit:VIT_HOSTS",
    "dinov2": "hf_vit:DINOV2_HOSTS",
    "dinov3": "hf_vit:DINOV3_HOSTS",
    "clip": "hf_vit:CLIP_HOSTS",
    "siglip": "hf_vit:SIGLIP_HOSTS",
    "joyimage": "joyimage:JOYIMAGE",
    "joyimage-edit-plus": "joyimage:JOYIMAGE_EDIT_PLUS",
}
"""Where the tiny models are, of families that share a file of them."""


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the families."""
    for name, summary in FAMILIES.items():
        file = name.replace("-", "_")
        hosts = f"tokred_adapters.tiny.{HOSTS.get(name, f'{file}:HOSTS')}"
        yield Component("family", name, f"tokred_adapters.{file}:{file.upper()}", summary, hosts=hosts)
