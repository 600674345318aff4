"""ComfyUI's `Flux`, Flux.1 and Flux.2: blocks of two streams, then of one, which write into what they are given."""

from __future__ import annotations

from tokred import Attention, Family, Stack

from .grids import padded

DOUBLE = "img: image, txt: text -> image, text"
SINGLE = "x: text image -> text image"
ROWS = {"pe": "b 1 (text image) d 2 2", "attn_mask": "... (text image) (text image)"}

FLUX = Family(
    name="comfy-flux",
    models=("comfy.Flux",),
    grid=padded(refuse=("ref_latents",)),
    stacks=(
        Stack(
            "double_blocks",
            call=DOUBLE,
            attention=(Attention("", DOUBLE, "img_attn.qkv", "img_attn.proj"),),
            mlp="img_mlp",
            rows=ROWS,
            stays=("vec",),
            reduces=("block",),
            in_place=True,
        ),
        Stack(
            "single_blocks",
            call=SINGLE,
            attention=(Attention("", SINGLE, "linear1", "linear2"),),
            rows=ROWS,
            stays=("vec",),
            reduces=("block",),
            in_place=True,
        ),
    ),
    picture="x",
    text="context",
    projection="final_layer.linear",
)
