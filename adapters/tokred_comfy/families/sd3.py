"""ComfyUI's Stable Diffusion 3 and 3.5: joint attention over picture and text, absolute positions."""

from __future__ import annotations

from tokred import Attention, Family, Stack

from .grids import padded

CALL = "*1: image, *0: text -> text, image"

SD3 = Family(
    name="comfy-sd3",
    models=("comfy.OpenAISignatureMMDITWrapper",),
    grid=padded(),
    stacks=(
        Stack(
            "joint_blocks",
            call=CALL,
            attention=(Attention("", CALL, "x_block.attn.qkv", "x_block.attn.proj"),),
            mlp="x_block.mlp",
            stays=("c",),
            reduces=("block",),
        ),
    ),
    picture="x",
    text="context",
    projection="final_layer.linear",
)
