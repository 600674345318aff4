"""What the tests of the methods share: random cases, and the methods' common steps in plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from tokred import Layout, Method, Reduction, SiteInfo
from tokred.interfaces import Draw

LAYOUTS = (((4, 4),), ((6, 10),), ((5, 7),), ((7, 3),), ((2, 2),), ((4, 6), (3, 5)))
"""Square, oblong and odd grids, and two pictures."""
SITE = SiteInfo("blocks.0.attn", "attn", depth=0, blocks=4)


def row_of(tokens: int) -> Layout:
    """Lay so many tokens out in a row."""
    return Layout(grids=((1, tokens),))


Row = list[float]
Measure = Callable[[Row, Row], float]
Pairs = dict[int, int]
"""For each removed token, its destination."""


@dataclass(frozen=True)
class Case:
    """Features `x` `[B, N, 5]` of a layout, in float32 or bfloat16, and a generator to go on drawing from."""

    x: torch.Tensor
    layout: Layout
    generator: torch.Generator

    def integer(self, low: int, high: int) -> int:
        """Draw from `low` to `high`, both included."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))


def make_case(seed: int, layouts: tuple[tuple[tuple[int, int], ...], ...] = LAYOUTS) -> Case:
    """Make a case: layouts, batches of 1 to 3 and types take turns."""
    generator, layout = torch.Generator().manual_seed(seed), Layout(layouts[seed % len(layouts)])
    x = torch.randn(1 + seed % 3, layout.image, 5, generator=generator)
    return Case(x.bfloat16() if seed % 4 == 3 else x, layout, generator)


def rows_of(sample: torch.Tensor) -> list[Row]:
    """Return one sample `[N, C]` as lists of 64-bit numbers."""
    return sample.double().tolist()  # type: ignore[no-any-return]


def cosine(a: Row, b: Row) -> float:
    """The cosine of the angle between two tokens; 0 for a token of zeros."""
    norm = math.hypot(*a) * math.hypot(*b)
    return sum(p * q for p, q in zip(a, b, strict=True)) / norm if norm else 0.0


def closest(rows: list[Row], token: int, among: list[int], measure: Measure = cosine) -> tuple[float, int]:
    """The greatest cosine of `token` with one of `among`, and the first that has it."""
    scores = [measure(rows[token], rows[other]) for other in among]
    return max(scores), among[scores.index(max(scores))]


def most_similar(rows: list[Row], src: list[int], dst: list[int], r: int, measure: Measure = cosine) -> Pairs:
    """The r sources closest to a destination, and that destination; earlier tokens win ties."""
    best = {s: closest(rows, s, dst, measure) for s in src}
    return {s: best[s][1] for s in sorted(src, key=lambda s: -best[s][0])[:r]}


def cells(grid: tuple[int, int], stride: tuple[int, int], start: int = 0) -> list[list[int]]:
    """The tokens of each whole cell of a picture that begins at `start`, row by row."""
    (h, w), (sy, sx) = grid, stride
    corners = [(y, x) for y in range(0, h - sy + 1, sy) for x in range(0, w - sx + 1, sx)]
    return [[start + (y + i) * w + x + j for i in range(sy) for j in range(sx)] for y, x in corners]


def all_cells(layout: Layout, stride: tuple[int, int]) -> list[list[int]]:
    """The tokens of each whole cell of every picture."""
    found, start = [], 0
    for grid in layout.grids:
        found += cells((grid[0], grid[1]), stride, start)
        start += grid[0] * grid[1]
    return found


def groups(pairs: Pairs, tokens: int) -> dict[int, list[int]]:
    """For each kept token, in order, all tokens that follow it, itself first."""
    return {t: [t, *(s for s, d in pairs.items() if d == t)] for t in range(tokens) if t not in pairs}


def merged(rows: list[Row], group: list[int], mode: str) -> Row:
    """What the first token of a group holds once the others are removed into it."""
    mean = [sum(column) / len(group) for column in zip(*(rows[t] for t in group), strict=True)]
    if mode == "mlerp":
        longest = max(math.hypot(*rows[t]) for t in group)
        return [value / math.hypot(*mean) * longest for value in mean]
    return mean if mode == "mean" else rows[group[0]]


def match(method: Method, case: Case, r: int) -> tuple[Reduction, Draw]:
    """Let the method's matcher draw and match; nothing is remembered from before."""
    matcher = method.matcher
    draw = matcher.draw(case.layout, r, case.generator)
    shapes = matcher.state_spec((len(case.x), case.layout.image))
    memory = {name: torch.zeros(shape) for name, shape in shapes.items()}
    return matcher.match(case.x, draw, r, method.similarity, memory), draw


def pairs_in(reduction: Reduction, sample: int) -> Pairs:
    """The pairs of one sample of a reduction."""
    follows = reduction.follows[min(sample, len(reduction.follows) - 1)].tolist()
    return {t: d for t, d in enumerate(follows) if t != d}


def assert_merges_and_copies(reduction: Reduction, case: Case, sample: int, pairs: Pairs, mode: str) -> None:
    """Assert that a sample's tokens, merged and copied back, are what plain loops say."""
    rows, tokens = rows_of(case.x[sample]), case.layout.image
    by_token = {t: merged(rows, group, mode) for t, group in groups(pairs, tokens).items()}
    expected = torch.tensor([by_token[pairs.get(t, t)] for t in range(tokens)])
    found = reduction.unmerge(reduction.merge(case.x, mode))[sample]  # type: ignore[arg-type]
    torch.testing.assert_close(found, expected.to(found.dtype))
