"""What methods take for neighbours in a video: cells within a frame, or over several."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch

import tokred
from tokred import Layout, Reduction
from tokred.bench.contender import parse_contenders
from tokred.interfaces import Matcher
from tokred.parts import Cosine, GridMatcher
from tokred.registry import build_method
from tokred_adapters.tiny.wan import WAN
from tokred_plugins.sdtm import AnchorMatcher, WindowMatcher
from tokred_plugins.sito import BaseMatcher
from tokred_plugins.toca import FreshMatcher
from tokred_plugins.todo import Downsample
from tokred_plugins.toma import FacilityMatcher

F, H, W = GRID = (2, 4, 6)
LAYOUT = Layout((GRID,))
STRIDES = [(2, 2), (2, 2, 2), (1, 4, 3), (2, 1, 1)]


def cells(stride: tuple[int, ...]) -> list[list[int]]:
    """The tokens of each cell, by loops."""
    sf, sy, sx = (1, *stride)[-3:]
    corners = product(range(0, F, sf), range(0, H, sy), range(0, W, sx))
    return [
        [(f + i) * H * W + (y + j) * W + x + k for i, j, k in product(range(sf), range(sy), range(sx))]
        for f, y, x in corners
    ]


def match(matcher: Matcher, r: int, x: torch.Tensor | None = None) -> Reduction:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, LAYOUT.image, 5, generator=generator) if x is None else x
    memory = {name: torch.zeros(shape) for name, shape in matcher.state_spec((1, LAYOUT.image)).items()}
    return matcher.match(x, matcher.draw(LAYOUT, r, generator), r, Cosine(), memory)


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("kind", [GridMatcher, BaseMatcher, AnchorMatcher, WindowMatcher])
def test_a_cell_keeps_one_token_where_as_many_go_as_can(kind: type, stride: tuple[int, ...]) -> None:
    matcher = kind(stride)
    r = matcher.capacity(LAYOUT)
    assert r == LAYOUT.image - len(cells(stride))
    assert matcher.max_ratio == pytest.approx(r / LAYOUT.image)
    kept = set(match(matcher, r).kept[0].tolist())
    assert [len(kept & set(cell)) for cell in cells(stride)] == [1] * len(cells(stride))


@pytest.mark.parametrize("stride", STRIDES)
def test_windows_of_sdtm_collapse_into_themselves(stride: tuple[int, ...]) -> None:
    reduction = match(WindowMatcher(stride), LAYOUT.image - len(cells(stride)))
    follows = reduction.follows.expand(1, -1)[0].tolist()
    assert all({follows[token] for token in cell} <= set(cell) for cell in cells(stride))


@pytest.mark.parametrize(
    ("tile", "fitting"), [((4, 4), (4, 3)), ((2, 4, 4), (2, 4, 3)), ((3, 2, 2), (2, 2, 2)), ((1, 4, 6), (4, 6))]
)
def test_tiles_of_toma_are_divisors_of_the_sides(tile: tuple[int, ...], fitting: tuple[int, ...]) -> None:
    (tiles,) = FacilityMatcher(tile).draw(LAYOUT, 24, torch.Generator())
    assert tiles.tolist() == cells(fitting)


def test_todo_resizes_each_frame_by_itself() -> None:
    frame = Downsample(2).draw(Layout(((H, W),)), 18, torch.Generator())
    src, dst = Downsample(2).draw(LAYOUT, 36, torch.Generator())
    assert src.tolist() == [frame[0][0].tolist() + (frame[0][0] + H * W).tolist()]
    assert dst.tolist() == [frame[1][0].tolist() + (frame[1][0] + H * W).tolist()]


@pytest.mark.parametrize("window", STRIDES)
def test_toca_favours_the_best_of_each_window(window: tuple[int, ...]) -> None:
    count = len(cells(window))
    kept = match(FreshMatcher(bonus=1e6, window=window), LAYOUT.image - count).kept[0].tolist()
    assert [len(set(kept) & set(cell)) for cell in cells(window)] == [1] * count


@pytest.mark.parametrize(
    ("method", "params", "removed"),
    [
        ("ras", {"dense_first": 1}, {("attn", 24), ("mlp", 24)}),
        ("asymrnr", {"stride": (2, 2, 2), "queries": (0.75,), "keys": (0.5,)}, {("attn", 36), ("kv", 24)}),
        ("sdtm", {"window": (2, 2, 2), "ratio": 0.5, "spread": 0.0}, {("attn", 24), ("mlp", 24)}),
    ],
)
def test_methods_of_several_kinds_of_site_run_on_a_video(
    method: str, params: dict[str, Any], removed: set[tuple[str, int]]
) -> None:
    model = WAN[0].model()
    with tokred.apply(model, method, **params) as run:
        drawn = WAN[0].generate(model, grid=GRID, steps=4)
        calls = run.report().calls
    assert drawn.isfinite().all()
    assert removed <= {(call.site.kind, call.removed) for call in calls}


@pytest.mark.parametrize(("text", "stride"), [("4x4", (4, 4)), ("2x4x4", (2, 4, 4))])
def test_a_cell_is_written_by_its_sides(text: str, stride: tuple[int, ...]) -> None:
    (contender,) = parse_contenders([f"dito:ratio=0.5,stride={text}"])
    assert contender.params["stride"] == stride
    assert f"stride={text}" in contender.label
    assert build_method("dito", contender.params).matcher.stride == stride
