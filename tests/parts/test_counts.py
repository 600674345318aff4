"""How many operations parts start on a CUDA device, counted on fake tensors; none of them may wait for it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from tokred import Layout, Reduction
from tokred.engine.memory import new_memory
from tokred.estimation.counting import Counter
from tokred.interfaces import Memory, Time
from tokred.parts import Cached, Copy, Cosine, Delta, Forecast, GridMatcher
from tokred_plugins.tome import BipartiteMatcher

LAYOUT = Layout(((64, 64),))
N, R = LAYOUT.image, LAYOUT.image // 2
HALF = torch.bfloat16


def made(rows: int) -> Reduction:
    """Make a reduction of fake tensors on a device."""
    order = torch.empty(rows, N, dtype=torch.long, device="cuda")
    return Reduction(order[:, R:], order)


@pytest.mark.parametrize("dtype", [torch.float32, HALF], ids=str)
@pytest.mark.parametrize(("rows", "most"), [(1, 9), (2, 12)])
@pytest.mark.parametrize("remove", ["similar", "least"])
def test_a_match_of_the_grid_takes_few_operations(dtype: torch.dtype, rows: int, most: int, remove: Any) -> None:
    matcher = GridMatcher(remove=remove)
    draw = matcher.draw(LAYOUT, R, torch.Generator())
    with FakeTensorMode() as fakes:
        on_device = tuple(fakes.from_tensor(tensor).to("cuda") for tensor in draw)
        features = torch.empty(rows, N, 64, device="cuda", dtype=dtype)
        with Counter() as counter:
            matcher.match(features, on_device, R, Cosine(), {})
    assert counter.work.aside == 0
    assert counter.work.operations == most + 3 * (remove == "least")


@pytest.mark.parametrize(("mode", "most"), [("prune", 1), ("mean", 9), ("weighted", 8)])
def test_a_merge_takes_few_operations(mode: Any, most: int) -> None:
    with FakeTensorMode():
        reduction, x = made(2), torch.empty(2, N, 64, device="cuda", dtype=HALF)
        sizes = torch.empty(2, N, device="cuda")
        with Counter() as counter:
            reduction.merge(x, mode, sizes)
    assert counter.work.operations == most


def test_matching_and_merging_a_classifiers_tokens_takes_few_operations() -> None:
    layout = Layout(((24, 24),), prefix=1)
    matcher = BipartiteMatcher()
    draw = matcher.draw(layout, 8, torch.Generator())
    with FakeTensorMode() as fakes:
        on_device = tuple(fakes.from_tensor(tensor).to("cuda") for tensor in draw)
        x = torch.empty(2, layout.image, 64, device="cuda", dtype=HALF)
        with Counter() as counter:
            reduction = matcher.match(x, on_device, 8, Cosine(), {})
            matched = counter.begin().operations
            reduction.merge(x, "weighted", torch.empty(2, layout.image, device="cuda"))
    assert matched <= 26
    assert counter.work.operations <= 10


@pytest.mark.parametrize(
    ("recovery", "most"),
    [
        (Copy(), 1),
        (Cached(), 2),
        (Forecast(), 3),
        (Delta(), 5),
        (Delta(Forecast()), 7),
        (Delta(Forecast(2)), 10),
        (Delta(Forecast(), "fitted"), 8),
    ],
    ids=str,
)
def test_a_recovery_takes_few_operations(recovery: Any, most: int) -> None:
    with FakeTensorMode():
        memory: Memory = new_memory(recovery.state_spec((2, N, 64)), HALF, torch.device("cuda"))
        kept, reduction, time = (
            torch.empty(2, N - R, 64, device="cuda", dtype=HALF),
            made(2),
            Time.at(torch.empty((), device="cuda")),
        )
        with Counter() as counter:
            recovery.recover(kept, reduction, memory, time)
    assert counter.work.operations == most


@pytest.mark.slow
@pytest.mark.parametrize("recovery", [Copy(), Cached(), Forecast(), Delta()], ids=str)
def test_inductor_makes_one_kernel_of_a_recovery(recovery: Any) -> None:
    from torch._inductor import metrics  # takes seconds

    order = torch.randperm(64)[None]
    reduction = Reduction.from_pairs(64, order[:, :32], order[:, 32:])
    memory = new_memory(recovery.state_spec((2, 64, 16)), torch.float32, torch.device("cpu"))
    kept, time = torch.randn(2, 32, 16), Time.at(torch.tensor(0.5))

    @torch.no_grad()
    def recover(kept: torch.Tensor, memory: Memory) -> Any:
        return recovery.recover(kept, reduction, memory, time)

    torch._dynamo.reset()
    metrics.reset()
    torch.testing.assert_close(torch.compile(recover, fullgraph=True)(kept, memory), recover(kept, memory))
    assert metrics.generated_kernel_count == 1
