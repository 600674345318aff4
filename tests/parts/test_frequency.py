"""The selection-frequency penalty against plain loops in float64."""

from __future__ import annotations

import math

import pytest
import torch

from tokred import Layout, Reduction, SpecError
from tokred.parts import Cosine, FrequencyPenalty, GridMatcher, all_but

CASES = 200


class Loops:
    """Matches again and again, one token at a time, and counts whom it chose."""

    def __init__(self, tokens: int, penalty: FrequencyPenalty) -> None:
        self.penalty = penalty
        self.removed = [0.0] * tokens
        self.received = [0.0] * tokens

    def match(self, x: list[list[float]], src: list[int], dst: list[int], r: int) -> dict[int, int]:
        best: list[tuple[float, int, int]] = []
        for s in src:
            scores = [cosine(x[s], x[d]) - self.loss(self.penalty.destination, self.received, d) for d in dst]
            top = max(scores)
            best.append((top - self.loss(self.penalty.source, self.removed, s), s, dst[scores.index(top)]))
        pairs = {s: d for _, s, d in sorted(best, key=lambda entry: -entry[0])[:r]}
        self.removed = [self.penalty.decay * count for count in self.removed]
        self.received = [self.penalty.decay * count for count in self.received]
        for s, d in pairs.items():
            self.removed[s] += 1
            self.received[d] += 1
        return pairs

    @staticmethod
    def loss(weight: float, counts: list[float], token: int) -> float:
        mean = sum(counts) / len(counts)
        return weight * counts[token] / mean if mean else 0.0


def cosine(a: list[float], b: list[float]) -> float:
    norm = math.sqrt(sum(v * v for v in a)) * math.sqrt(sum(v * v for v in b))
    return sum(v * w for v, w in zip(a, b, strict=True)) / norm if norm else 0.0


def pairs_of(reduction: Reduction, row: int) -> dict[int, int]:
    return {t: d for t, d in enumerate(reduction.follows[row].tolist()) if t != d}


@pytest.mark.parametrize("seed", range(CASES))
def test_five_matches_equal_plain_loops(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    layout = Layout([((4, 4),), ((5, 7),), ((4, 6), (2, 3))][seed % 3])
    penalty = FrequencyPenalty(
        source=[0.3, 0.0, 1.5][seed % 3], destination=[0.0, 0.4][seed % 2], decay=[1.0, 0.5, 0.0][seed % 7 % 3]
    )
    matcher, batch = GridMatcher((2, 2), penalty=penalty), 1 + seed % 2
    r = int(torch.randint(1, matcher.capacity(layout) + 1, (), generator=generator))
    memory = {name: torch.zeros(shape) for name, shape in matcher.state_spec((batch, layout.image)).items()}
    loops = [Loops(layout.image, penalty) for _ in range(batch)]
    for _ in range(5):
        x = torch.randn(batch, layout.image, 4, generator=generator)
        draw = matcher.draw(layout, r, generator)
        reduction = matcher.match(x, draw, r, Cosine(), memory)
        dst = draw[0].tolist()
        src = [t for t in range(layout.image) if t not in dst]
        for row in range(batch):
            assert pairs_of(reduction, row) == loops[row].match(x[row].double().tolist(), src, dst, r)


def test_equal_tokens_take_turns() -> None:
    """Without a penalty ties always remove the first ones; with one, every source is removed equally often."""
    layout, draw = Layout(((4, 4),)), None
    counts = {}
    for weight in (0.0, 0.1):
        matcher = GridMatcher((2, 2), random=False, penalty=FrequencyPenalty(source=weight))
        memory = {name: torch.zeros(shape) for name, shape in matcher.state_spec((1, 16)).items()}
        removed = torch.zeros(16)
        for _ in range(6):
            draw = matcher.draw(layout, 4, torch.Generator())
            removed += ~matcher.match(torch.ones(1, 16, 2), draw, 4, Cosine(), memory).is_kept[0]
        counts[weight] = sorted(removed[all_but(draw[0][None], 16)[0]].tolist())
    assert counts[0.0] == [0.0] * 8 + [6.0] * 4
    assert counts[0.1] == [2.0] * 12


def test_no_weight_needs_no_memory() -> None:
    assert FrequencyPenalty().state_spec((2, 16)) == {}
    assert FrequencyPenalty(source=0.1).state_spec((2, 16)) == {"removed": (2, 16)}
    assert set(FrequencyPenalty(source=0.1, destination=0.1).state_spec((2, 16))) == {"removed", "received"}


def test_broken_and_zero_tokens_stay_local() -> None:
    matcher = GridMatcher((2, 2), penalty=FrequencyPenalty(source=0.2, destination=0.2))
    memory = {name: torch.zeros(shape) for name, shape in matcher.state_spec((2, 16)).items()}
    x = torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(0))
    x[1, 3], x[1, 5] = torch.nan, 0.0
    for _ in range(3):
        draw = matcher.draw(Layout(((4, 4),)), 6, torch.Generator().manual_seed(1))
        matcher.match(x, draw, 6, Cosine(), memory)
    assert all(count.isfinite().all() for count in memory.values())
    assert memory["removed"].sum(dim=1).tolist() == [18.0, 18.0]
    assert memory["received"].sum(dim=1).tolist() == [18.0, 18.0]


@pytest.mark.parametrize("name", ["source", "destination"])
@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), "much"])
def test_weight_is_checked(name: str, weight: object) -> None:
    with pytest.raises(SpecError, match=rf"penalty: {name}=.* must be a finite number of at least 0"):
        FrequencyPenalty(**{name: weight})  # type: ignore[arg-type]


@pytest.mark.parametrize("decay", [-0.1, 1.1, float("nan"), None])
def test_decay_is_checked(decay: object) -> None:
    with pytest.raises(SpecError, match=r"penalty: decay=.* must be in \[0, 1\]"):
        FrequencyPenalty(decay=decay)  # type: ignore[arg-type]
