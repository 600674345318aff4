"""A small model that components are checked on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map

from tokred.engine.steps import step

Grid = tuple[int, ...]
"""Height and width in tokens, of a video frames before them."""
Conditions = Callable[[torch.Generator, int, Grid, int], dict[str, Any]]

STEPS = 2
"""Of a generation: the least in which pairs are made and reused."""


def call_transformer(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Call a diffusers transformer and return its tensor."""
    output: torch.Tensor = model(**arguments, timestep=moment, return_dict=False)[0]
    return output


def call_classifier(model: nn.Module, arguments: dict[str, Any], moment: torch.Tensor) -> torch.Tensor:
    """Call a model that takes no time and returns a tensor."""
    output: torch.Tensor = model(**arguments)
    return output


@dataclass(frozen=True)
class Host:
    """A model class and how to call it.

    The model should be as small as its class allows: a few thousand parameters and two blocks of each kind.
    `tokred_adapters.tiny` has those of tokred's own families.

    Attributes:
        name: what test ids call it.
        build: makes the model, whatever its weights are.
        picture: makes the shape of the picture or latents from batch and grid.
        conditions: makes every other argument but the time, from generator, batch, grid and number of text tokens.
        time: turns a time in (0, 1] into the value that the model takes; None for a classifier.
        argument: name of the argument that holds the picture or latents.
        call_model: calls the model with arguments and times `[B]`; packs what the model takes in another form, and
            returns one tensor whose first axis is the batch.
        keys: what kept queries can attend to.
        grid: of the picture, in tokens; no model should have as many channels as it has tokens.
        other_grid: of another picture.
        text: text tokens of a sample; 0 where there is no text.
        rounded: what the model rounds to inside, whatever its weights are in; None where it does not.

    Examples:
        >>> from tokred.testing import Host, call_classifier
        >>> host = Host("mine", MyModel, lambda batch, grid: (batch, 3, 4 * grid[0], 4 * grid[1]),
        ...             argument="x", call_model=call_classifier)  # doctest: +SKIP
    """

    name: str
    build: Callable[[], Any]
    picture: Callable[[int, Grid], tuple[int, ...]]
    conditions: Conditions = lambda generator, batch, grid, text: {}
    time: Callable[[float], float | int] | None = None
    argument: str = "hidden_states"
    call_model: Callable[[nn.Module, dict[str, Any], torch.Tensor], torch.Tensor] = call_transformer
    keys: tuple[str, ...] = ("kept",)
    grid: Grid = (6, 8)
    other_grid: Grid = (8, 4)
    text: int = 5
    rounded: torch.dtype | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def repeats(self) -> bool:
        """Whether the model is called step after step."""
        return self.time is not None

    def model(self, dtype: torch.dtype = torch.float32) -> Any:
        """Build the model with weights that are the same every time and let every branch count.

        Fresh weights would not do: gates of adaLN-zero and output layers start at zero.
        """
        with torch.random.fork_rng(devices=[]):
            model = self.build().eval().requires_grad_(False)
        generator = torch.Generator().manual_seed(0)
        for name, parameter in model.named_parameters():
            scales = parameter.ndim == 1 and "norm" in name and name.endswith("weight")
            parameter.normal_(mean=float(scales), std=0.2, generator=generator)
        return nn.Module.to(model, dtype)  # diffusers' own `to` warns of what does not matter here

    def arguments(
        self, model: nn.Module, seed: int, batch: int = 2, grid: Grid | None = None, text: int | None = None
    ) -> dict[str, Any]:
        """Make the arguments of one call but the time, in the dtype of `model`; `text` is a number of tokens."""
        generator, grid = torch.Generator().manual_seed(seed), grid or self.grid
        picture = torch.randn(self.picture(batch, grid), generator=generator)
        made = self.conditions(generator, batch, grid, self.text if text is None else text)
        dtype = next(model.parameters()).dtype
        cast: dict[str, Any] = tree_map(lambda value: _cast(value, dtype), {self.argument: picture, **made})
        return cast

    def run(self, model: nn.Module, arguments: dict[str, Any], time: float = 0.5) -> Any:
        """Call the model once and return its tensor."""
        moment = torch.tensor([self.time(time) if self.time else time] * len(arguments[self.argument]))
        return self.call_model(model, arguments, moment)

    @torch.no_grad()
    def call(
        self, model: nn.Module, seed: int = 0, batch: int = 2, grid: Grid | None = None, text: int | None = None
    ) -> torch.Tensor:
        """Call the model once, at the first of one step where it has steps."""
        with step(0, 1):
            return self.run(model, self.arguments(model, seed, batch, grid, text))  # type: ignore[no-any-return]

    @torch.no_grad()
    def generate(
        self,
        model: nn.Module,
        seed: int = 0,
        batch: int = 2,
        grid: Grid | None = None,
        steps: int = STEPS,
        text: int | None = None,
    ) -> torch.Tensor:
        """Draw pictures by Euler's rule in a loop written by hand; a classifier is called once."""
        return self.generate_from(model, self.arguments(model, seed, batch, grid, text), steps)

    @torch.no_grad()
    def generate_from(self, model: nn.Module, arguments: dict[str, Any], steps: int = STEPS) -> torch.Tensor:
        """Draw pictures from given arguments, which are left as they are; a classifier is called once."""
        if not self.repeats:
            with step(0, 1):
                return self.run(model, arguments)  # type: ignore[no-any-return]
        latents = arguments[self.argument]
        for i in range(steps):
            with step(i, steps):
                latents = latents - self.run(model, arguments | {self.argument: latents}, 1 - i / steps) / steps
        return latents  # type: ignore[no-any-return]


def _cast(value: Any, dtype: torch.dtype) -> Any:
    """Give a floating-point tensor the dtype `dtype`; leave anything else."""
    return value.to(dtype) if isinstance(value, torch.Tensor) and value.is_floating_point() else value
