"""What is remembered in half precision, while the model computes in float32."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from families.models import BY_NAME, Family, layout_of
from torch import nn

import tokred
from tokred.engine.memory import remembered_dtype

FAMILIES = [BY_NAME["dit"], BY_NAME["sd35"], BY_NAME["flux"]]
WHAT: list[tuple[str, dict[str, Any]]] = [
    ("delta", {"order": 2, "gain": "fitted", "keys": "recovered", "dense_first": 3}),
    ("delta", {"order": 0, "dense_first": 1}),
    ("delta", {"program": "DD (M .5 1)*"}),
    ("step_cache", {"order": 1, "dense_first": 2}),
]
IDS = ["parabola", "cached", "skipped", "step_cache"]


def remembered(run: tokred.Run) -> list[torch.Tensor]:
    states = [state for site in run._sites for state in site.states.values()]
    memories = [memory for state in states for memory in state.memories.values()]
    memories += [memory for state in states if state.returned is not None for memory in state.returned.memories]
    return [tensor for memory in memories for tensor in memory.values()]


@pytest.mark.parametrize("memory", ["model", "half"])
@pytest.mark.parametrize(("name", "params"), WHAT, ids=IDS)
@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_memory_is_what_was_said(
    family: Family, model: nn.Module, dtype: torch.dtype, name: str, params: dict[str, Any], memory: str
) -> None:
    with tokred.apply(model, name, memory=memory, **params) as run:
        said = run.memory(2, layout_of(model, family.arguments(model, 0)))
        family.generate(model, steps=5)
        held = remembered(run)
        assert said == pytest.approx(sum(tensor.nbytes for tensor in held), rel=0.05)
    features = torch.bfloat16 if memory == "half" else dtype
    assert {tensor.dtype for tensor in held if tensor.ndim == 3} == {features}
    assert {tensor.dtype for tensor in held if tensor.ndim < 3} <= {torch.float32}


@pytest.mark.parametrize(("name", "params"), WHAT, ids=IDS)
@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_half_changes_what_is_recovered_a_little(
    family: Family, model: nn.Module, dtype: torch.dtype, name: str, params: dict[str, Any]
) -> None:
    """Within the tolerance of bfloat16, and in the dtype of the model; one that computes in bfloat16 not at all."""
    dense = family.generate(model, steps=5)
    results = []
    for memory in ("model", "half"):
        with tokred.apply(model, name, memory=memory, **params):
            results.append(family.generate(model, steps=5))
    exact, half = results
    assert half.dtype == dense.dtype == dtype
    assert torch.equal(half, exact) == (dtype == torch.bfloat16)
    torch.testing.assert_close(half, exact, rtol=1.6e-2, atol=1.6e-2 * exact.abs().max().item())


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_a_ratio_of_zero_changes_no_bit(family: Family, model: nn.Module) -> None:
    dense = family.generate(model, steps=4)
    with tokred.apply(model, "delta", ratio=0.0, dense_first=2, keys="recovered", gain="fitted", memory="half"):
        assert torch.equal(family.generate(model, steps=4), dense)


def test_half_precision_is_never_widened_nor_changed() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        assert remembered_dtype("model", dtype) == dtype
        assert remembered_dtype("half", dtype) == (dtype if dtype.itemsize == 2 else torch.bfloat16)
