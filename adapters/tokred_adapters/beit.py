"""timm's `Beit`: a bias by relative positions is added to attention, made in each block or shared by all."""

from tokred.family import Attention, Family, Halves, Stack
from tokred_adapters.vit import CALL, is_block, is_pooled, patch_grid

BIAS = "h (prefix image) (prefix image)"

BEIT = Family(
    name="beit",
    models=("timm.Beit",),
    grid=patch_grid,
    stacks=(
        Stack(
            "blocks",
            call=CALL,
            attention=(Attention("attn", CALL, "qkv", "proj"),),
            mlp="mlp",
            rows={"shared_rel_pos_bias": f"b? {BIAS}", "attn._get_rel_pos_bias()": f"1 {BIAS}"},
            halves=Halves(("norm1", "norm2"), is_block("Block"), pooled=is_pooled),
        ),
    ),
    picture="x",
    prefix=lambda model: model.num_prefix_tokens,
    entry="patch_embed",
    repeats=False,
)
