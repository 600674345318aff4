"""What runs with tokred's core alone; other packages are found missing. `test_extras.py` runs this in a process."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import nn

from tokred.extras import EXTRAS

for modules in EXTRAS.values():
    sys.modules.update(dict.fromkeys(modules))  # what is None there is found missing

import tokred  # noqa: E402

STEPS, WIDTH, SIDE = 8, 8, 4


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.mlp = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.mlp(self.norm(x))


class Denoiser(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(2))

    def forward(self, x: torch.Tensor, timestep: float) -> torch.Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens.transpose(1, 2).reshape(x.shape) * timestep


FAMILY = tokred.Family(
    name="alone",
    models=("__main__.Denoiser",),
    grid=lambda model, call: ((SIDE, SIDE),),
    stacks=(tokred.Stack("blocks", call="x: image -> image", mlp="mlp"),),
    picture="x",
)


def draw(model: nn.Module) -> torch.Tensor:
    x = torch.randn(1, WIDTH, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    for index in range(STEPS):
        with torch.no_grad(), tokred.step(index, STEPS):
            x = x - model(x, 1.0) / STEPS
    return x


def reduce() -> None:
    model = Denoiser()
    dense = draw(model)
    for method in ("dito:ratio=0.5,dense_first=2,sites=mlp", "balanced"):
        with tokred.apply(model, method, family=FAMILY) as run:
            assert not torch.equal(draw(model), dense), method
        report: Any = run.report()
        assert report.compute < 1
        assert "step" in report._repr_html_()
        assert torch.equal(draw(model), dense), method


def refused() -> None:
    """Print what each use of an absent package says."""
    model = Denoiser()
    run = tokred.apply(model, "balanced", family=FAMILY)
    draw(model)
    for use in (
        run.plot,
        lambda: __import__("tokred.testing"),
        lambda: __import__("tokred.tuning"),
        lambda: tokred.load_model("emoji-dit"),
        lambda: tokred.load_model("fashion-vit"),
        lambda: tokred.bench.load_subject,
    ):
        try:
            use()
        except tokred.TokredError as error:
            print(error)
    sys.argv = ["tokred", "--version"]
    __import__("tokred.cli").cli.main()


if __name__ == "__main__":
    reduce()
    refused()
