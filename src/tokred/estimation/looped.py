"""A model without contents, and the calls that the steps of a drawing make of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

import tokred
from tokred.estimation.calls import Arguments
from tokred.layout import Layout


@dataclass(frozen=True)
class Looped:
    """Steps that are all called alike.

    Attributes:
        model: is called in each, on a CUDA device; neither the device nor its weights are there.
        arguments: of each call of a step, by name.
        steps: how many there are.
        layout: how the tokens of one sample are made up.
        batch: samples in a call.
        weights: bytes of all models that the pipeline draws with.
        mode: that the model's tensors are of.
    """

    model: nn.Module
    arguments: tuple[Arguments, ...]
    steps: int
    layout: Layout
    batch: int
    weights: int
    mode: FakeTensorMode

    @torch.no_grad()
    def step(self, index: int) -> None:
        """Make the calls of a step; several are branches of their own."""
        with tokred.step(index, self.steps):
            for arguments in self.arguments:
                self.model(**arguments)
