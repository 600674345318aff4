"""The grid matcher against a brute-force reference written from the description of ToMeSD."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from seeds import every_seed

from tokred import Layout, Reduction, SpecError
from tokred.interfaces import Draw
from tokred.parts import Cosine, FrequencyPenalty, GridMatcher

Loops = Callable[[list[list[float]], list[int], list[int], int], dict[int, int]]
LAYOUTS = [((4, 4),), ((6, 10),), ((5, 7),), ((7, 3),), ((2, 2),), ((4, 6), (3, 5))]


def cosine_by_loops(a: list[float], b: list[float]) -> float:
    norm = math.sqrt(sum(v * v for v in a)) * math.sqrt(sum(v * v for v in b))
    return sum(v * w for v, w in zip(a, b, strict=True)) / norm if norm else 0.0


def match_by_loops(x: list[list[float]], src: list[int], dst: list[int], r: int) -> dict[int, int]:
    """Each of the r sources closest to a destination, and that destination; earlier tokens win ties."""
    best = []
    for s in src:
        scores = [cosine_by_loops(x[s], x[d]) for d in dst]
        top = max(scores)
        best.append((top, dst[scores.index(top)]))
    order = sorted(range(len(src)), key=lambda i: -best[i][0])
    return {src[i]: best[i][1] for i in order[:r]}


def least_by_loops(x: list[list[float]], src: list[int], dst: list[int], r: int) -> dict[int, int]:
    """The r shortest sources, each with the destination closest to it; earlier tokens win ties."""
    pairs = {}
    for s in sorted(src, key=lambda s: math.hypot(*x[s]))[:r]:
        scores = [cosine_by_loops(x[s], x[d]) for d in dst]
        pairs[s] = dst[scores.index(max(scores))]
    return pairs


@every_seed
def test_pairs_equal_plain_loops(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    layout = Layout(LAYOUTS[seed % len(LAYOUTS)])
    matcher = GridMatcher(stride=[(2, 2), (1, 2), (2, 1), (2, 3)][seed % 4] if layout.image > 4 else (2, 2))
    r = int(torch.randint(1, matcher.capacity(layout) + 1, (), generator=generator))
    batch = 1 + seed % 3
    x = torch.randn(batch, layout.image, 5, dtype=torch.float64, generator=generator).float()
    draw = matcher.draw(layout, r, generator)
    reduction = matcher.match(x, draw, r, Cosine(), {})
    check_pairs(reduction, x, draw, r)


def check_pairs(reduction: Reduction, x: torch.Tensor, draw: Draw, r: int, by: Loops = match_by_loops) -> None:
    dst = draw[0].tolist()
    src = [t for t in range(x.shape[1]) if t not in dst]
    for row, tokens in enumerate(x.double().tolist()):
        expected = by(tokens, src, dst, r)
        kept = reduction.kept[row].tolist()
        found = {t: kept[p] for t, p in enumerate(reduction.assign[row].tolist()) if kept[p] != t}
        assert found == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@every_seed
def test_the_shortest_are_removed_as_in_plain_loops(seed: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(seed)
    layout, matcher = Layout(LAYOUTS[seed % len(LAYOUTS)]), GridMatcher(random=seed % 2 == 0, remove="least")
    x = torch.randn(1 + seed % 3, layout.image, 5, generator=generator).to(dtype)
    for r in (1, int(torch.randint(1, matcher.capacity(layout) + 1, (), generator=generator))):
        draw = matcher.draw(layout, r, generator)
        check_pairs(matcher.match(x, draw, r, Cosine(), {}), x, draw, r, least_by_loops)


@every_seed
def test_the_shortest_of_ties_and_zeros_equal_plain_loops(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    layout, matcher = Layout(LAYOUTS[seed % len(LAYOUTS)]), GridMatcher(remove="least")
    x = exact((1 + seed % 2, layout.image), generator)
    for r in (1, matcher.capacity(layout) // 2, matcher.capacity(layout)):
        draw = matcher.draw(layout, r, generator)
        check_pairs(matcher.match(x, draw, r, Cosine(), {}), x, draw, r, least_by_loops)


def test_a_token_that_was_removed_often_counts_as_longer() -> None:
    """Twice as many removals as the mean make it (1 + 2 * weight) times as long."""
    layout = Layout(((2, 2),))
    x = torch.tensor([[[9.0], [1.0], [1.4], [1.9]]])
    for weight, kept in ((0.5, [0, 2, 3]), (0.75, [0, 1, 3])):
        matcher = GridMatcher(random=False, penalty=FrequencyPenalty(weight), remove="least")
        draw, memory = matcher.draw(layout, 1, torch.Generator()), {"removed": torch.tensor([[0.0, 2.0, 1.0, 1.0]])}
        assert matcher.match(x, draw, 1, Cosine(), memory).kept.tolist() == [kept]


def test_a_token_of_broken_length_is_kept_and_stays_local() -> None:
    layout, matcher = Layout(((4, 4),)), GridMatcher(random=False, remove="least")
    x = torch.randn(2, 16, 4, generator=torch.Generator().manual_seed(0))
    draw = matcher.draw(layout, 6, torch.Generator())
    clean = matcher.match(x, draw, 6, Cosine(), {})
    for value in (float("nan"), float("inf")):
        broken = x.clone()
        broken[0, 5] = value
        reduction = matcher.match(broken, draw, 6, Cosine(), {})
        assert torch.equal(reduction.assign[1], clean.assign[1])
        assert reduction.is_kept[0, 5]


def test_an_unknown_choice_of_tokens_is_refused() -> None:
    with pytest.raises(SpecError, match="remove='error' is not known. Allowed: similar, least."):
        GridMatcher(remove="error")  # type: ignore[arg-type]


def exact(shape: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """Draw tokens `[B, N, 4]` of zeros, of one entry and of four alike in size: their cosines are exact, and few."""
    kinds = torch.cat(
        [torch.zeros(1, 4), torch.eye(4), -torch.eye(4), torch.cartesian_prod(*[torch.tensor([-1.0, 1])] * 4)]
    )
    lengths = 2.0 ** torch.randint(-20, 20, (*shape, 1), generator=generator)
    return kinds[torch.randint(len(kinds), shape, generator=generator)] * lengths


@every_seed
def test_ties_and_zeros_equal_plain_loops_at_the_least_and_the_greatest_ratio(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    layout, matcher = Layout(LAYOUTS[seed % len(LAYOUTS)]), GridMatcher(random=seed % 2 == 0)
    x = exact((1 + seed % 2, layout.image), generator)
    for r in (1, matcher.capacity(layout) // 2, matcher.capacity(layout)):
        draw = matcher.draw(layout, r, generator)
        check_pairs(matcher.match(x, draw, r, Cosine(), {}), x, draw, r)


@given(st.sampled_from(LAYOUTS), st.tuples(st.integers(1, 2), st.integers(1, 3)), st.integers(0, 2**31), st.booleans())
def test_every_cell_holds_one_destination(
    grids: tuple[tuple[int, int], ...], stride: tuple[int, int], seed: int, random: bool
) -> None:
    layout, matcher, (sy, sx) = Layout(grids), GridMatcher(stride, random), stride
    if not matcher.capacity(layout):
        return
    dst, _ = matcher.draw(layout, 1, torch.Generator().manual_seed(seed))
    assert dst.tolist() == sorted(set(dst.tolist()))
    assert layout.image - len(dst) == matcher.capacity(layout)
    start, cells = 0, []
    for h, w in grids:
        inside = [d - start for d in dst.tolist() if start <= d < start + h * w]
        cells += [(start, d // w // sy, d % w // sx) for d in inside]
        assert all(d // w < h // sy * sy and d % w < w // sx * sx for d in inside)
        assert random or all(d // w % sy == 0 and d % w % sx == 0 for d in inside)
        start += h * w
    assert len(cells) == len(set(cells)) == sum((h // sy) * (w // sx) for h, w in grids)


def test_ties_go_to_the_first_token() -> None:
    layout, matcher = Layout(((4, 4),)), GridMatcher(random=False)
    draw = matcher.draw(layout, 3, torch.Generator())
    reduction = matcher.match(torch.ones(1, 16, 2), draw, 3, Cosine(), {})
    assert [t for t in range(16) if not reduction.is_kept[0, t]] == [1, 3, 4]
    assert reduction.assign[0, [1, 3, 4]].tolist() == [0, 0, 0]


def test_a_token_that_is_not_a_number_stays_local() -> None:
    layout, matcher = Layout(((4, 4),)), GridMatcher(random=False)
    x = torch.randn(2, 16, 4, generator=torch.Generator().manual_seed(0))
    draw = matcher.draw(layout, 6, torch.Generator())
    clean = matcher.match(x, draw, 6, Cosine(), {})
    for value in (float("nan"), float("inf")):
        broken = x.clone()
        broken[0, 2] = value  # a destination
        broken[0, 5] = value  # a source
        reduction = matcher.match(broken, draw, 6, Cosine(), {})
        assert torch.equal(reduction.assign[1], clean.assign[1])
        assert reduction.is_kept[0, 5]
        assert reduction.sizes[0, reduction.assign[0, 2]] == 1


def test_zero_tokens_match_without_becoming_anything_else() -> None:
    layout, matcher = Layout(((2, 2),)), GridMatcher(random=False)
    reduction = matcher.match(torch.zeros(1, 4, 3), matcher.draw(layout, 2, torch.Generator()), 2, Cosine(), {})
    assert reduction.kept.tolist() == [[0, 3]]


@pytest.mark.parametrize(("grid", "capacity"), [((1, 1), 0), ((1, 8), 0), ((8, 1), 0), ((2, 2), 3), ((3, 3), 8)])
def test_capacity_of_small_grids(grid: tuple[int, int], capacity: int) -> None:
    assert GridMatcher().capacity(Layout((grid,))) == capacity


def test_chunks_do_not_change_the_match(monkeypatch: pytest.MonkeyPatch) -> None:
    layout, matcher = Layout(((8, 8),)), GridMatcher()
    x = torch.randn(2, 64, 4)
    draw = matcher.draw(layout, 20, torch.Generator().manual_seed(1))
    whole = matcher.match(x, draw, 20, Cosine(), {})
    monkeypatch.setattr("tokred.parts.pairing.CHUNK_SCORES", 100)
    assert torch.equal(matcher.match(x, draw, 20, Cosine(), {}).assign, whole.assign)


@pytest.mark.parametrize("stride", ["2x2", (2,), 2])
def test_a_stride_that_is_no_pair_is_refused(stride: object) -> None:
    with pytest.raises(SpecError, match="must be a pair .sy, sx. of whole numbers, such as .2, 2."):
        GridMatcher(stride=stride)  # type: ignore[arg-type]


def test_a_stride_below_one_is_refused() -> None:
    with pytest.raises(SpecError, match="stride: sy=0 must be an integer of at least 1: the size of a cell in tokens"):
        GridMatcher(stride=(0, 2))


def test_one_source_goes_to_the_one_destination() -> None:
    layout, matcher = Layout(((1, 2),)), GridMatcher((1, 2), random=False)
    reduction = matcher.match(torch.randn(1, 2, 3), matcher.draw(layout, 1, torch.Generator()), 1, Cosine(), {})
    assert reduction.follows.tolist() == [[0, 0]]


def test_one_token_has_nowhere_to_go() -> None:
    assert [GridMatcher(stride).capacity(Layout(((1, 1),))) for stride in ((1, 1), (1, 2), (2, 2))] == [0, 0, 0]


def nearby_by_loops(layout: Layout, stride: tuple[int, int], window: int, token: int, dst: list[int]) -> list[int]:
    """The destinations within `window` cells of a token's tile of 8 by 8 cells, cell by cell."""
    start, cells = 0, {}
    for number, (h, w) in enumerate(layout.grids):
        rows, columns = h // stride[0], w // stride[1]
        for t in range(start, start + h * w):
            y, x = divmod(t - start, w)
            cells[t] = (number, min(y // stride[0], rows - 1), min(x // stride[1], columns - 1))
        start += h * w
    number, y, x = cells[token]
    ys, xs = (range(c // 8 * 8 - window, c // 8 * 8 + 8 + window) for c in (y, x))
    found = [d for d in dst if cells[d][0] == number and cells[d][1] in ys and cells[d][2] in xs]
    return sorted(found, key=lambda d: cells[d])


@pytest.mark.parametrize("seed", range(30))
def test_pairs_of_a_window_equal_plain_loops(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed % 2:
        monkeypatch.setattr("tokred.parts.window.CHUNK_BYTES", 1)
    generator = torch.Generator().manual_seed(seed)
    layout = Layout([((23, 19),), ((20, 20), (3, 5)), ((2, 2),)][seed % 3])
    stride, window = [(2, 2), (1, 1), (1, 2)][seed // 3 % 3], 1 + seed % 2
    matcher = GridMatcher(stride, window=window)
    if not matcher.capacity(layout):
        return
    r = int(torch.randint(1, matcher.capacity(layout) + 1, (), generator=generator))
    x = torch.randn(1 + seed % 2, layout.image, 5, generator=generator)
    draw = matcher.draw(layout, r, generator)
    reduction, dst = matcher.match(x, draw, r, Cosine(), {}), draw[0].tolist()
    scores = Cosine().scores(x.double(), x.double())
    for sample in range(len(x)):
        best = {}
        for s in set(range(layout.image)) - set(dst):
            near = nearby_by_loops(layout, stride, window, s, dst)
            best[s] = max((float(scores[sample, s, d]), -i, d) for i, d in enumerate(near))
        order = sorted(best, key=lambda s: (-best[s][0], s))[:r]
        follows = reduction.follows[sample].tolist()
        assert {t: f for t, f in enumerate(follows) if f != t} == {s: best[s][2] for s in order}


def test_a_window_that_is_no_number_of_cells_is_refused() -> None:
    with pytest.raises(SpecError, match="window=-1 must be an integer of at least 0: cells around a tile"):
        GridMatcher(window=-1)
