"""diffusers' `Kandinsky5Transformer3DModel`, for pictures and videos: text by an attention of its own."""

from __future__ import annotations

from typing import Any

from tokred.family import Attention, Family, Stack
from tokred.family.grids import patches, without
from tokred_adapters.rotations import rotate_by_matrices

ROW = "b image 1 d 2 2"


def _rotate(x: Any, table: Any) -> Any:
    """Rotate, through half precision as the model does."""
    import torch

    return rotate_by_matrices(x, table).to(torch.bfloat16).type_as(x)


KANDINSKY5 = Family(
    name="kandinsky5",
    models=("diffusers.Kandinsky5Transformer3DModel",),
    grid=without("sparse_params", patches(axes=(1, 2, 3))),
    stacks=(
        Stack(
            "visual_transformer_blocks",
            "visual_embed: image -> image",
            attention=(
                Attention(
                    "self_attention",
                    "hidden_states: image -> image",
                    ("to_query", "to_key", "to_value"),
                    "out_layer",
                    norms=("query_norm", "key_norm"),
                    rotary="rotary_emb",
                    rotate=_rotate,
                    apart=False,
                ),
            ),
            mlp="feed_forward",
            rows={"rope": ROW, "rotary_emb": ROW},
            stays=("text_embed", "time_embed"),
        ),
    ),
    axes="b f h w c",
    projection="out_layer.out_layer",
)
