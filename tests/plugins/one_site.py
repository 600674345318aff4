"""A real model with one block, generated with step by step, and what its modules see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

import tokred
from tokred import Layout
from tokred.parts import GridMatcher

STEPS = 4
GRID = (6, 6)
TOKENS = 36


@contextmanager
def spied(module: nn.Module) -> Iterator[list[tuple[torch.Tensor, torch.Tensor]]]:
    """Collect the first input and the output of every call of a module."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    hook = module.register_forward_hook(
        lambda _, args, kwargs, out: seen.append((_first(args, kwargs), out)), with_kwargs=True
    )
    yield seen
    hook.remove()


def _first(args: Any, kwargs: Any) -> torch.Tensor:
    return args[0] if args else next(iter(kwargs.values()))


@torch.no_grad()
def generate(model: nn.Module, batch: int) -> None:
    x = torch.randn(batch, 2, 2 * GRID[0], 2 * GRID[1], generator=torch.Generator().manual_seed(1))
    for i in range(STEPS):
        with tokred.step(i, STEPS):
            v = model(x, timestep=torch.tensor([900.0 - 200 * i]), class_labels=torch.zeros(batch).long()).sample
        x = x - 0.2 * v[:, :2]


def draws(number: int) -> list[tuple[list[int], list[int]]]:
    """The sources and destinations of the first draws of a method with seed 0 and one site."""
    generator, matcher = torch.Generator().manual_seed(0), GridMatcher()
    both = [matcher.draw(Layout((GRID,)), 1, generator) for _ in range(number)]
    dsts = [dst.tolist() for dst, _ in both]
    return [([t for t in range(TOKENS) if t not in dst], dst) for dst in dsts]
