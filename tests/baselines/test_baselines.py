"""The baselines against what they say they do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from families.models import BY_NAME

import tokred
from tokred import SpecError, UnsupportedModel
from tokred.baselines import FewerSteps

STEPS = 7


@pytest.mark.parametrize(("share", "steps"), [(1.0, 7), (0.5, 4), (0.01, 1)])
def test_fewer_steps_rounds_to_whole_ones(share: float, steps: int) -> None:
    assert FewerSteps(share).steps(STEPS) == steps


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5])
def test_a_share_outside_the_range_is_refused(share: float) -> None:
    with pytest.raises(SpecError, match=rf"share={share} must be above 0 and at most 1"):
        FewerSteps(share)


def test_a_classifier_has_no_steps() -> None:
    model = BY_NAME["vit"].model()
    message = r"fewer_steps takes fewer denoising steps, and VisionTransformer takes none.*\. Pass a diffusers pipeline"
    with pytest.raises(UnsupportedModel, match=message), FewerSteps().applied(model):
        pytest.fail("it was applied")


@pytest.mark.filterwarnings("ignore:tokred")
@pytest.mark.parametrize("family", [BY_NAME["flux"]], ids=str)
def test_a_cache_enabled_over_an_applied_method_works(family: Any) -> None:
    """A diffusers cache is outside: it skips blocks, and what is computed is still reduced."""
    from diffusers import FirstBlockCacheConfig

    model = family.model()
    with tokred.apply(model, "tomesd") as run:
        expected = family.generate(model)
        model.enable_cache(FirstBlockCacheConfig(threshold=0.0))
        with model.cache_context("test"):
            assert torch.equal(family.generate(model), expected), "a threshold of 0 skips nothing"
        assert any(call.removed for call in run.report().calls)
        model.disable_cache()
