"""Blocks that write into the tokens and the context they are given."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import tokred
from tokred import Family, Method, Stack
from tokred.family.grids import patches
from tokred.parts import Cached, Copy, Cosine, EveryStep, GridMatcher, Interval, Program
from tokred.testing.snapshot import changes, snapshot

CHANNELS = 8


class Block(nn.Module):
    """Adds to new tensors; its tokens and its context look at each other."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(CHANNELS, CHANNELS)

    def forward(self, x: torch.Tensor, text: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x + self.added(x, text), text + self.added(text, x)

    def added(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.mix(x)) + other.mean(dim=1, keepdim=True)


class Writing(Block):
    """Does the same where the tensors are."""

    def forward(self, x: torch.Tensor, text: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        added, context = self.added(x, text), self.added(text, x)
        x += added
        text += context
        return x, text


class Denoiser(nn.Module):
    def __init__(self, block: type[Block]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.blocks = nn.ModuleList(block() for _ in range(2))

    def forward(self, x: torch.Tensor, context: torch.Tensor, timestep: float) -> torch.Tensor:
        tokens, text = x.flatten(2).transpose(1, 2) * timestep, context.clone()
        for block in self.blocks:
            tokens, text = block(tokens, text)
        return torch.cat([tokens, text], dim=1)


def described(in_place: bool) -> Family:
    call = "x: image, text: text -> image, text"
    stack = Stack("blocks", call, mlp=("mix",), reduces=("block",), in_place=in_place)
    return Family("toy", ("toy.Denoiser",), patches("x", 1), (stack,), picture="x", text="context")


METHODS = {
    "merge in every call": (EveryStep(0.5), Copy(), "input"),
    "match by outputs": (Interval(0.5, interval=2, dense_first=2), Copy(), "output"),
    "remember outputs": (Interval(0.5, interval=2, dense_first=2), Cached(), "output"),
    "skip the blocks": (Program("D D (1 D)*"), Cached(), "input"),
}


def draw(block: type[Block], in_place: bool, method: Method) -> torch.Tensor:
    x, context = torch.randn(2, CHANNELS, 4, 4, generator=torch.Generator().manual_seed(1)), torch.ones(2, 3, CHANNELS)
    outputs = []
    with tokred.apply(Denoiser(block), method, family=described(in_place)) as run:
        for step in range(6):
            with tokred.step(step, 6):
                outputs.append(run.model(x, context, timestep=1 - step / 6))
        assert run.report().compute < 1
    return torch.stack(outputs)


@pytest.mark.parametrize("name", METHODS)
def test_they_are_reduced_like_blocks_that_do_not(name: str) -> None:
    scheduler, recovery, signal = METHODS[name]
    method = Method(
        similarity=Cosine(signal),
        matcher=GridMatcher((2, 2)),
        scheduler=scheduler,
        recovery=recovery,
        sites=("block",),
    )
    assert torch.equal(draw(Writing, True, method), draw(Block, False, method))


def test_a_family_that_is_handed_over_is_used_and_leaves_no_trace() -> None:
    model = Denoiser(Writing)
    before = snapshot(model)
    with pytest.raises(tokred.UnsupportedModel, match="No family describes"):
        tokred.apply(model, "tomesd", sites=("block",))
    tokred.apply(model, "tomesd", sites=("block",), family=described(True)).remove()
    assert changes(before, snapshot(model)) == []
