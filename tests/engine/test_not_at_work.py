"""A run that is not at work says so: entered again, its model replaced, or called around it."""

from __future__ import annotations

import copy
import warnings
from typing import Any, cast

import pytest
import torch
from families.pipelines import PIPELINE

import tokred
from tokred import SpecError
from tokred_adapters import tiny

HOSTS = {host.name: host for host in tiny.hosts()}


def test_a_run_that_was_removed_cannot_be_entered_again() -> None:
    model = HOSTS["vit"].model()
    with tokred.apply(model, "tome") as run:
        HOSTS["vit"].generate(model)
    with pytest.raises(SpecError, match=r"tome was removed from VisionTransformer. Call tokred.apply\(\)"), run:
        pass


@pytest.mark.parametrize("method", ["balanced", "tomesd"])
@pytest.mark.parametrize("name", ["FluxPipeline", "PixArtSigmaPipeline"])
def test_a_replaced_transformer_is_named_once(name: str, method: str) -> None:
    pipeline = PIPELINE[name]
    pipe, other = pipeline.build(), pipeline.build().transformer
    dense = pipeline.generate(pipe, steps=4)
    original = pipe.transformer
    with tokred.apply(pipe, method) as run:
        reduced = pipeline.generate(pipe, steps=4)
        pipe.transformer = other
        with pytest.warns(UserWarning, match="the pipeline's transformer, which was replaced after tokred.apply"):
            assert torch.equal(pipeline.generate(pipe, steps=4), dense)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            pipeline.generate(pipe, steps=4)
        assert run.report().unplanned == 2
        pipe.transformer = original
        assert torch.equal(pipeline.generate(pipe, steps=4), reduced)


def test_a_compiled_transformer_in_its_place_is_the_same() -> None:
    pipeline = PIPELINE["FluxPipeline"]
    pipe = pipeline.build()
    with tokred.apply(pipe, "balanced") as run, warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        pipe.transformer = torch.compile(pipe.transformer, backend="eager")
        pipeline.generate(pipe, steps=4)
        assert run.report().compute < 1


class Around:
    """A model whose `forward` is called by itself."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.model.forward(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


CASES = [("flux", "tomesd"), ("dit", "dito"), ("wan", "balanced"), ("sd3", "toma")]


@pytest.mark.parametrize(("name", "method"), CASES)
@torch.no_grad()
def test_a_forward_that_is_called_by_itself_is_dense_and_said(name: str, method: str) -> None:
    host = HOSTS[name]
    model: Any = host.model()
    arguments = host.arguments(model, 0)
    dense = host.run(model, arguments)
    with tokred.apply(model, method) as run:
        reduced = host.generate(model, steps=6)
        with pytest.warns(UserWarning, match=r"by themselves, or by the model's own `forward`. Call the model, as in"):
            assert torch.equal(host.run(cast(Any, Around(model)), arguments), dense)
        assert run.report().unplanned > 0
        assert torch.equal(host.generate(model, steps=6), reduced)


def test_a_block_that_is_called_by_itself_is_dense_and_said() -> None:
    host = HOSTS["vit"]
    model = host.model()
    x = torch.randn(2, 37, model.embed_dim)
    dense = copy.deepcopy(model.blocks[0])(x)
    with tokred.apply(model, "tome"):
        host.call(model)
        with pytest.warns(UserWarning, match="nothing is reduced in blocks that are called by themselves"):
            assert torch.equal(model.blocks[0](x), dense)


def test_features_are_no_such_call() -> None:
    """What calls the blocks from within a function of the model's own is planned where its entry is called."""
    host = HOSTS["vit"]
    model = host.model()
    x = host.arguments(model, 0)
    with tokred.apply(model, "tome") as run, warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.forward_features(x[host.argument])
        assert any(call.removed for call in run.report().calls)
