"""SeaCache, on the pipelines that tell it their step."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import FluxPipeline, SeaCacheConfig

from tokred.baselines.sea_cache import SeaCache
from tokred.errors import SpecError, UnsupportedModel
from tokred.zoo import wan

PROMPTS = ("red square", "blue bar")


@pytest.fixture(scope="module")
def pipe() -> Any:
    torch.manual_seed(0)
    sizes = {"num_layers": 3, "num_attention_heads": 2, "attention_head_dim": 12, "ffn_dim": 16, "freq_dim": 8}
    config = {"patch_size": (1, 2, 2), "in_channels": 3, "out_channels": 3, "text_dim": 12, "rope_max_seq_len": 8}
    return wan.pipeline(wan.build(sizes | config, PROMPTS), PROMPTS, 16)


def drawn(pipe: Any) -> torch.Tensor:
    noise = torch.Generator().manual_seed(5)
    frames: torch.Tensor = pipe(
        "red square", num_inference_steps=6, guidance_scale=2.0, output_type="pt", generator=noise
    ).frames
    return frames


def test_it_is_what_diffusers_draws_with_the_cache(pipe: Any) -> None:
    dense = drawn(pipe)
    pipe.transformer.enable_cache(SeaCacheConfig(threshold=10.0, residual_order=0, max_consecutive_cached=1))
    expected = drawn(pipe)
    pipe.transformer.disable_cache()
    computed: list[int] = []
    with SeaCache(threshold=10.0, order=0, longest=1).applied(pipe):
        for _ in range(2):  # nothing is remembered between generations
            hook = pipe.transformer.blocks[-1].attn1.register_forward_pre_hook(lambda *_: computed.append(1))
            assert torch.equal(drawn(pipe), expected)
            hook.remove()
    assert len(computed) == 2 * 2 * 4  # of 6 steps, in two branches, two are skipped: first and last are computed
    assert not torch.allclose(expected, dense, atol=1e-4)
    assert torch.equal(drawn(pipe), dense)


def test_pipelines_that_do_not_tell_their_step_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="FluxPipeline does not tell its caches; .*WanPipeline"):
        SeaCache().applied(FluxPipeline.__new__(FluxPipeline))


@pytest.mark.parametrize("wrong", [{"threshold": -1.0}, {"order": 2}, {"longest": -1}])
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=f"{next(iter(wrong))}=.* must be"):
        SeaCache(**wrong)
