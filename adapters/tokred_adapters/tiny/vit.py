"""Timm's vision transformers: VisionTransformer with all of its blocks, EVA-02, DINOv3, PE, and BEiT."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tokred.testing import Grid, Host, call_classifier

SIZE: dict[str, Any] = {
    "img_size": (24, 32),
    "patch_size": 4,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 2,
    "num_classes": 7,
}


def _vit(block: str = "Block", **kwargs: Any) -> Any:
    from timm.models import vision_transformer

    block_fn = getattr(vision_transformer, block)
    return vision_transformer.VisionTransformer(**(SIZE | kwargs), dynamic_img_size=True, block_fn=block_fn)


def _eva(**kwargs: Any) -> Any:
    from timm.models.eva import Eva

    return Eva(**SIZE, dynamic_img_size=True, use_rot_pos_emb=True, **kwargs)


def _dinov3(**kwargs: Any) -> Any:
    return _eva(
        qkv_bias=False,
        init_values=1.0e-5,
        rope_type="dinov3",
        rope_temperature=100,
        rope_rotate_half=True,
        use_abs_pos_emb=False,
        num_reg_tokens=4,
        use_fc_norm=False,
        **kwargs,
    )


def _perception(**kwargs: Any) -> Any:
    return _eva(
        attn_type="rope",
        use_pre_transformer_norm=True,
        ref_feat_shape=(6, 6),
        rope_grid_offset=1.0,
        rope_grid_indexing="xy",
        **kwargs,
    )


def _beit(**kwargs: Any) -> Any:
    from timm.models.beit import Beit

    return Beit(**SIZE, init_values=0.1, **kwargs)


def _pixels(batch: int, grid: Grid) -> tuple[int, ...]:
    return batch, 3, grid[0] * 4, grid[1] * 4


def _host(name: str, build: Callable[[], Any], **kwargs: Any) -> Host:
    return Host(name, build, _pixels, argument="x", call_model=call_classifier, text=0, **kwargs)


ONE_SIZE: dict[str, Any] = {"other_grid": (6, 8)}
"""Of a class that takes pictures of one size."""
VIT_HOSTS = (
    _host("vit", _vit),
    _host("deit3", lambda: _vit(init_values=1e-6, no_embed_class=True)),
    _host("vit-registers", lambda: _vit(reg_tokens=4)),
    _host("vit-qk-norm", lambda: _vit(qk_norm=True, class_token=False, global_pool="avg")),
    _host("vit-post-norm", lambda: _vit("ResPostBlock", class_token=False, global_pool="avg")),
    _host("vit-parallel", lambda: _vit("ParallelScalingBlock", qk_norm=True, qkv_bias=False)),
    _host("vit-parallel-diff", lambda: _vit("DiffParallelScalingBlock")),
    _host("vit-parallel-things", lambda: _vit("ParallelThingsBlock", init_values=1e-5)),
)
EVA_HOSTS = (
    _host("eva02", lambda: _eva(swiglu_mlp=True, mlp_ratio=8 / 3, ref_feat_shape=(6, 6))),
    _host("eva02-apart", lambda: _eva(swiglu_mlp=True, scale_mlp=True, qkv_fused=False, ref_feat_shape=(6, 6))),
    _host("dinov3", _dinov3),
    _host("dinov3-token", lambda: _dinov3(global_pool="token", swiglu_mlp=True)),
    _host("pe-core", lambda: _perception(global_pool="map", attn_pool_num_heads=2, attn_pool_mlp_ratio=2.0)),
    _host("pe-spatial", lambda: _perception(use_post_transformer_norm=False, use_fc_norm=False)),
    _host(
        "rope-mixed",
        lambda: _eva(
            attn_type="rope", rope_type="mixed", rope_temperature=10.0, rope_grid_indexing="xy", use_abs_pos_emb=False
        ),
    ),
)
BEIT_HOSTS = (
    _host("beit", lambda: _beit(use_abs_pos_emb=False, use_rel_pos_bias=True), **ONE_SIZE),
    _host("beit-shared", lambda: _beit(use_abs_pos_emb=True, use_shared_rel_pos_bias=True), **ONE_SIZE),
)
HOSTS = (*VIT_HOSTS, *EVA_HOSTS, *BEIT_HOSTS)

FASHION = (_host("vit-128", lambda: _vit(embed_dim=128, depth=4)),)
"""As wide as the trained `fashion-vit`, for what was trained on its tokens."""
