"""What methods with a trained scorer share: its weights, and a matcher that matches by what it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from tokred import Layout, Matcher, Reduction, Similarity, SpecError
from tokred.interfaces import Draw, Memory
from tokred.parts import Wrapping
from tokred.zoo import read_tensors, zoo_models
from tokred_plugins.evit import AttentiveMatcher

SHIPPED = "scorers.safetensors"
"""The file of scorers in a zoo model's folder, where it has one."""
BEST = AttentiveMatcher()
"""Keeps the tokens of greatest score."""

Tensors = Mapping[str, torch.Tensor]
"""The weights of one scorer, by name."""


class Scorer(Protocol):
    """Scores tokens by weights that it is handed, so that it is the same on any device and in any thread."""

    @property
    def per_channel(self) -> str:
        """Name of a tensor that has one number for each channel of the tokens, `[C]`."""
        ...

    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each tensor of a scorer of tokens of so many channels."""
        ...

    def scores(self, weights: Tensors, tokens: torch.Tensor) -> torch.Tensor:
        """Score tokens `[B, N, C]`, float32: `[B, N]`, the greatest are to stay."""
        ...


@dataclass(frozen=True)
class ScoredMatcher(Wrapping):
    """Let a trained scorer judge each token, and another matcher match by these scores alone.

    A matcher of this kind names its `scorer` and is registered under a name of its own.

    Attributes:
        weights: path of a .safetensors file that holds the tensors of each stage's scorer as STAGE.NAME, stages counted
            from 0; or the name of a zoo model that comes with one.
        stage: whose scorer it is.
        matcher: is given the scores as features, `[B, N, 1]`.
        tensors: those of the stage, in float32 on the CPU.

    Raises:
        SpecError: if the file is missing or holds no such scorer.
    """

    weights: str
    stage: int = 0
    matcher: Matcher = BEST
    tensors: Tensors = field(init=False, repr=False, compare=False)
    scorer: ClassVar[Scorer]

    def __post_init__(self) -> None:
        stages = read_scorers(self.weights, self.scorer)
        if not isinstance(self.stage, int) or isinstance(self.stage, bool) or not 0 <= self.stage < len(stages):
            raise SpecError(
                f"stage={self.stage!r} must be an integer from 0 to {len(stages) - 1}: weights={self.weights!r} holds "
                f"scorers for {len(stages)} stages."
            )
        object.__setattr__(self, "tensors", stages[self.stage])

    @property
    def width(self) -> int:
        """Channels of the tokens that it was trained on."""
        return len(self.tensors[self.scorer.per_channel])

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        """Let the matcher draw, and hand the weights on."""
        return *super().draw(layout, r, generator), *self.tensors.values()

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        """Let the matcher remove `r` tokens by the scores of `features` `[B, N, C]`."""
        if features.shape[2] != self.width:
            raise SpecError(
                f"weights={self.weights!r} is for tokens of {self.width} channels, and signal={similarity.signal!r} "
                f"gives {features.shape[2]}. Use weights that were trained on this model and signal."
            )
        drawn = len(draw) - len(self.tensors)
        scores = self.scorer.scores(dict(zip(self.tensors, draw[drawn:], strict=True)), features.float())
        return self.matcher.match(scores.unsqueeze(2), draw[:drawn], r, similarity, memory)


def read_scorers(weights: str, scorer: Scorer) -> list[Tensors]:
    """Read the tensors of each stage's scorer, in float32.

    Args:
        weights: see `ScoredMatcher`.
        scorer: says what tensors there have to be.

    Raises:
        SpecError: if the file is missing, or its tensors are not those of such scorers.
    """
    stages: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
    for name, tensor in _read(weights).items():
        stage, _, own = name.partition(".")
        stages[stage][own] = tensor.float()
    numbers = [str(number) for number in range(len(stages))]
    if not stages or stages.keys() != set(numbers):
        raise SpecError(
            f"weights={weights!r} must hold tensors named STAGE.NAME, stages counted from 0, such as "
            f"'0.{scorer.per_channel}'. It begins names with: {', '.join(sorted(stages)) or 'nothing'}."
        )
    for number in numbers:
        _check_shapes(f"weights={weights!r}, stage {number}", stages[number], scorer)
    return [stages[number] for number in numbers]


def _read(weights: str) -> Tensors:
    """Read all tensors of a file or of what a zoo model comes with."""
    shipped = {model.name: model for model in zoo_models() if SHIPPED in model.files.sha256}
    if weights in shipped:
        return read_tensors(shipped[weights], SHIPPED)
    try:
        tensors: Tensors = load_file(weights)
    except (OSError, SafetensorError, TypeError) as error:
        raise SpecError(
            f"weights={weights!r} cannot be read: {error}. Name a .safetensors file of trained scorers, or a model "
            f"that comes with them: {', '.join(shipped)}."
        ) from error
    return tensors


def _check_shapes(what: str, tensors: Tensors, scorer: Scorer) -> None:
    """Raise `SpecError` unless these are the tensors of a scorer, all for tokens of one width."""
    given = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    width, *_ = given.get(scorer.per_channel) or (0,)
    wanted = scorer.shapes(width)
    for name in sorted(wanted.keys() | given.keys()):
        if wanted.get(name) != given.get(name):
            raise SpecError(
                f"{what}: {name!r} must be {wanted.get(name, 'left out')}, and is {given.get(name, 'missing')}. Use a "
                "file that was trained for this method."
            )
