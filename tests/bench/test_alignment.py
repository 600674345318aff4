"""Weights that a file holds at odd places."""

from __future__ import annotations

import torch
from torch import nn

from tokred.bench.alignment import align


def test_weights_are_moved_to_where_they_would_have_been_made() -> None:
    model = nn.Linear(7, 5)
    values = torch.randn(36)
    model.weight.data = values[1:].view(5, 7)
    model.register_buffer("table", values[3:9])
    expected = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    align(model)
    assert all(tensor.data_ptr() % 64 == 0 for tensor in model.state_dict().values())
    assert all(tensor.equal(expected[name]) for name, tensor in model.state_dict().items())
