"""torch.compile after apply: one graph per phase, and the same result."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from diffusers import DiTTransformer2DModel
from engine.setups import DELTA, DITO, HALF, SHARING, STEP_CACHE, TOMESD, Setup, fresh_generation
from families.models import BY_NAME, Family, blocks_of
from torch import nn
from torch._dynamo.utils import counters

DIT, SD3, FLUX, VIT = (BY_NAME[name] for name in ("dit", "sd3", "flux", "vit"))
STEPS = 4
SLOW = pytest.mark.slow
WHOLE = [
    pytest.param(DIT, TOMESD, id="dit-tomesd"),
    pytest.param(DIT, DITO, id="dit-dito"),
    pytest.param(DIT, HALF, id="dit-half"),
    pytest.param(DIT, SHARING, id="dit-sharing"),
    pytest.param(DIT, STEP_CACHE, id="dit-step-cache"),
    pytest.param(DIT, Setup("dito", {"keys": "recovered"}), id="dit-dito-recovered", marks=SLOW),
    pytest.param(DIT, DELTA, id="dit-delta", marks=SLOW),
    pytest.param(FLUX, STEP_CACHE, id="flux-step-cache", marks=SLOW),
    pytest.param(FLUX, Setup("dito", {"keys": "full"}), id="flux-dito-full", marks=SLOW),
    pytest.param(FLUX, DELTA, id="flux-delta", marks=SLOW),
    pytest.param(FLUX, TOMESD, id="flux-tomesd", marks=SLOW),
    pytest.param(FLUX, DITO, id="flux-dito", marks=SLOW),
]
SIDES = (6, 5, 4, 7, 8, 9, 10, 11, 12, 13)
CALLS = [(batch, (side, side)) for batch in (2, 3) for side in SIDES]
BLOCKS = Setup("dito", {"sites": ("block",)})
DYNAMIC = [
    pytest.param(DIT, DITO, id="dit-dito"),
    pytest.param(DIT, TOMESD, id="dit-tomesd", marks=SLOW),
    pytest.param(DIT, DELTA, id="dit-delta", marks=SLOW),
    pytest.param(DIT, BLOCKS, id="dit-blocks", marks=SLOW),
    pytest.param(FLUX, TOMESD, id="flux-tomesd", marks=SLOW),
    pytest.param(FLUX, DITO, id="flux-dito", marks=SLOW),
    pytest.param(FLUX, DELTA, id="flux-delta", marks=SLOW),
]
BLOCK_BY_BLOCK = [  # the contract suite compiles a block with each method
    pytest.param(VIT, TOMESD, id="vit-tomesd"),
    pytest.param(FLUX, DITO, id="flux-dito"),
    pytest.param(FLUX, STEP_CACHE, id="flux-step-cache"),
    pytest.param(SD3, DELTA, id="sd3-delta", marks=SLOW),
    pytest.param(DIT, DITO, id="dit-dito", marks=SLOW),
    pytest.param(DIT, Setup("tofu"), id="dit-tofu", marks=SLOW),
    pytest.param(DIT, SHARING, id="dit-sharing", marks=SLOW),
]


@pytest.fixture(autouse=True)
def nothing_compiled_yet() -> Iterator[None]:
    """Compile anew in each test, and count."""
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def graphs() -> int:
    return counters["stats"]["unique_graphs"]


def compile_blocks(model: nn.Module, dynamic: bool | None = None) -> None:
    for block in blocks_of(model):
        block.compile(fullgraph=True, backend="eager", dynamic=dynamic)


@pytest.mark.parametrize(("family", "setup"), WHOLE)
def test_a_whole_model_compiles_to_one_graph_per_phase(family: Family, setup: Setup) -> None:
    """Each phase has the limit of graphs to itself."""
    model = family.model()
    expected = fresh_generation(family, model, setup, steps=STEPS)
    with setup.apply(model), torch._dynamo.config.patch(recompile_limit=1):
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        torch.testing.assert_close(family.generate(compiled, steps=STEPS), expected)
        assert graphs() == (1 if setup is TOMESD else 2)
        torch.testing.assert_close(family.generate(compiled, steps=STEPS), expected)
        assert graphs() == (1 if setup is TOMESD else 2), "another generation compiles nothing"


@SLOW
def test_dense_steps_that_are_remembered_are_a_graph_of_their_own() -> None:
    setup = Setup("delta", {"dense_first": 3, "order": 2, "signal": "error"})
    model = SD3.model()
    expected = fresh_generation(SD3, model, setup, steps=6)
    with setup.apply(model):
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        for _ in range(2):
            torch.testing.assert_close(SD3.generate(compiled, steps=6), expected)
            assert graphs() == 3


@pytest.mark.parametrize(("family", "setup"), BLOCK_BY_BLOCK)
def test_block_by_block(family: Family, setup: Setup) -> None:
    """Each phase has the limit of graphs to itself; a model's first block is given tokens of another stride."""
    model = family.model()
    expected = fresh_generation(family, model, setup, steps=STEPS)
    with setup.apply(model), torch._dynamo.config.patch(recompile_limit=2):
        compile_blocks(model)
        torch.testing.assert_close(family.generate(model, steps=STEPS), expected)


def graphs_of_sizes(
    family: Family, model: nn.Module, setup: Setup, dynamic: bool | None, whole: bool = False
) -> list[int]:
    """Compare each size's pictures with those of the model before it was compiled; count the graphs after each."""
    expected = [fresh_generation(family, model, setup, batch=batch, grid=grid, steps=STEPS) for batch, grid in CALLS]
    counts, compiled = [], model
    with setup.apply(model):
        if whole:
            compiled = torch.compile(model, fullgraph=True, backend="eager", dynamic=dynamic)
        else:
            compile_blocks(model, dynamic)
        for (batch, grid), picture in zip(CALLS, expected, strict=True):
            torch.testing.assert_close(family.generate(compiled, batch=batch, grid=grid, steps=STEPS), picture)
            counts.append(graphs())
    return counts


@pytest.mark.parametrize(("family", "setup"), DYNAMIC)
def test_all_sizes_and_batches_share_dynamic_graphs(family: Family, setup: Setup) -> None:
    counts = graphs_of_sizes(family, family.model(), setup, dynamic=True)
    torch._dynamo.reset()
    counters.clear()
    dense = family.model()
    compile_blocks(dense, dynamic=True)
    family.generate(dense, batch=2, grid=(SIDES[0], SIDES[0]))
    assert counts[0] <= graphs() * (1 if setup is TOMESD else 2), "a graph per phase for each of the dense model's"
    assert counts[-1] == counts[1]


@SLOW
@pytest.mark.parametrize("setup", [TOMESD, DITO, DELTA, BLOCKS, STEP_CACHE], ids=str)
@pytest.mark.parametrize("family", [DIT, FLUX], ids=str)
def test_ten_sizes_and_two_batches_compile_without_being_told(family: Family, setup: Setup) -> None:
    """After one size, any size and any batch nothing is compiled: at most three graphs for each of one size."""
    counts = graphs_of_sizes(family, family.model(), setup, dynamic=None)
    assert counts[1] == counts[len(SIDES) - 1] <= 2 * counts[0]
    assert counts[-1] <= 3 * counts[0]


@SLOW
@pytest.mark.parametrize("setup", [DITO, STEP_CACHE], ids=str)
@pytest.mark.parametrize("family", [DIT, FLUX], ids=str)
def test_whole_models_of_ten_sizes_and_two_batches_compile_without_being_told(family: Family, setup: Setup) -> None:
    """A DiT is another graph at the size that it was trained on, by itself."""
    counts = graphs_of_sizes(family, family.model(), setup, dynamic=None, whole=True)
    assert counts[1] == 2 * counts[0]
    assert counts[-1] <= 5 * counts[0]


@pytest.mark.xfail(strict=True, reason="the planner is a hook of patch_embed, inside the graph, and is not compiled")
def test_a_whole_classifier_compiles_to_one_graph() -> None:
    model = VIT.model()
    expected = fresh_generation(VIT, model, TOMESD)
    with TOMESD.apply(model):
        torch.testing.assert_close(VIT.generate(torch.compile(model, fullgraph=True, backend="eager")), expected)


def test_blocks_that_were_compiled_before_are_compiled_again() -> None:
    model = DIT.model()
    dense, expected = DIT.generate(model), fresh_generation(DIT, model, TOMESD)
    compile_blocks(model)
    torch.testing.assert_close(DIT.generate(model), dense)
    with TOMESD.apply(model):
        torch.testing.assert_close(DIT.generate(model), expected)
    torch.testing.assert_close(DIT.generate(model), dense)


@SLOW
def test_repeated_blocks_that_were_compiled_before_are_compiled_again() -> None:
    model = FLUX.model()
    dense, expected = FLUX.generate(model), fresh_generation(FLUX, model, DITO)
    model.compile_repeated_blocks(fullgraph=True, backend="eager")
    torch.testing.assert_close(FLUX.generate(model), dense)
    with DITO.apply(model):
        torch.testing.assert_close(FLUX.generate(model), expected)
    torch.testing.assert_close(FLUX.generate(model), dense)


@pytest.mark.parametrize("setup", [DITO, Setup("dito", {"sites": ("block",)})], ids=str)
def test_blocks_share_their_graphs(setup: Setup) -> None:
    """Else a model of more than a few blocks passes dynamo's limit of 8 recompiles."""
    model = DiTTransformer2DModel.from_config({**DIT.model().config, "num_layers": 3}).eval().requires_grad_(False)
    with setup.apply(model):
        *first, last = blocks_of(model)
        for block in first:
            block.compile(fullgraph=True, backend="eager")
        DIT.generate(model)
        counted = graphs()
        last.compile(fullgraph=True, backend="eager")
        DIT.generate(model)
        assert graphs() == counted > 0
