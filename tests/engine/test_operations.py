"""How many operations a method adds to a call: each is one that the host has to start."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from families.models import BY_NAME, Family
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import tokred

STEPS = 8
ONCE = 3
"""Operations of a call, not of a site: telling the time."""
VIEWS = {"_unsafe_view", "alias", "as_strided", "detach", "empty", "expand", "permute", "select", "slice", "split"} | {
    "split_with_sizes",
    "squeeze",
    "t",
    "transpose",
    "unbind",
    "unsqueeze",
    "view",
}


class Operations(TorchDispatchMode):
    """Counts what computes something."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func.overloadpacket.__name__ not in VIEWS
        return func(*args, **(kwargs or {}))


def counted(family: Family, model: nn.Module) -> list[int]:
    """Return the operations of each step of a generation."""
    arguments, counts = family.arguments(model, 0), []
    for index in range(STEPS):
        with tokred.step(index, STEPS), torch.no_grad(), Operations() as operations:
            family.run(model, arguments, 1 - index / STEPS)
        counts.append(operations.count)
    return counts


@pytest.mark.parametrize(
    ("family", "method", "params", "most"),
    [
        ("dit", "dito", {}, 2),
        ("flux", "dito", {}, 4),
        ("dit", "delta", {}, 14),
        ("dit", "delta", {"order": 0}, 8),
    ],
    ids=str,
)
def test_each_reduced_call_adds_few_operations(family: str, method: str, params: dict[str, Any], most: int) -> None:
    host = BY_NAME[family]
    model = host.model()
    dense = counted(host, model)
    with tokred.apply(model, method, ratio=0.5, interval=3, dense_first=2, **params) as run:
        reduced, report = counted(host, model), run.report()
    steps = Counter(call.position.step for call in report.calls if call.phase is tokred.Phase.REDUCE)
    assert len(steps) > 2, "the first after a match, and others"
    added = {step: reduced[step] - dense[step] for step in steps}
    assert all(added[step] <= most * sites + ONCE for step, sites in steps.items()), added
