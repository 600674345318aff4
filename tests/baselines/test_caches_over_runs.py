"""A diffusers cache enabled over an applied method: it skips, and what is computed is still reduced."""

from __future__ import annotations

import pytest
import torch
from diffusers import FirstBlockCacheConfig, TaylorSeerCacheConfig
from engine.setups import DELTA, DITO, Setup
from families.pipelines import PIPELINE

import tokred
from tokred import ConflictError
from tokred.baselines import Baseline, MagCache, TaylorSeer
from tokred.testing.snapshot import changes, snapshot

pytestmark = pytest.mark.filterwarnings("ignore:tokred")

STEPS = 8
WHOLE: dict[str, Baseline] = {
    "taylor_seer": TaylorSeer(interval=2, dense_first=2),
    "mag_cache": MagCache(threshold=10.0, most=1, ratios=(1.0,) * STEPS),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("setup", [DITO, DELTA], ids=str)
@pytest.mark.parametrize("kind", ["DiTPipeline", "StableDiffusion3Pipeline", "FluxPipeline"])
def test_both_are_at_work_and_each_goes_without_a_trace(kind: str, setup: Setup, name: str) -> None:
    pipeline = PIPELINE[kind]
    pipe = pipeline.build()
    dense = pipeline.generate(pipe, STEPS)
    before = snapshot(pipe.transformer)
    with setup.apply(pipe) as run:
        reduced = pipeline.generate(pipe, STEPS)
        alone = len(run.report().calls)
        with WHOLE[name].applied(pipe):
            both = pipeline.generate(pipe, STEPS)
        calls = run.report().calls
        assert both.isfinite().all()
        assert not torch.equal(both, reduced)
        assert len(calls) < alone
        assert any(call.removed for call in calls)
        assert torch.equal(pipeline.generate(pipe, STEPS), reduced)
    assert changes(before, snapshot(pipe.transformer)) == []
    assert torch.equal(pipeline.generate(pipe, STEPS), dense)


@pytest.mark.parametrize("config", [FirstBlockCacheConfig(threshold=0.5), TaylorSeerCacheConfig()], ids=str)
def test_the_wrong_order_is_refused_by_name(config: object) -> None:
    pipe = PIPELINE["FluxPipeline"].build()
    pipe.transformer.enable_cache(config)
    order = r"Call disable_cache\(\) first, then tokred\.apply\(\), then enable_cache\(\)"
    with pytest.raises(ConflictError, match=order):
        tokred.apply(pipe, "dito")


def test_a_cache_of_attention_inside_a_reduced_block_is_refused() -> None:
    """Flux's single blocks are reduced whole: their attention sees other tokens from step to step."""
    pipeline = PIPELINE["FluxPipeline"]
    pipe = pipeline.build()
    before = pipeline.generate(pipe, STEPS)
    message = r"A cache is enabled inside single_transformer_blocks\.0, whose tokens are reduced as a whole"
    baseline = TaylorSeer(forecast="attn")
    with tokred.apply(pipe, "dito"), baseline.applied(pipe), pytest.raises(ConflictError, match=message):
        pipeline.generate(pipe, STEPS)
    assert torch.equal(pipeline.generate(pipe, STEPS), before)
