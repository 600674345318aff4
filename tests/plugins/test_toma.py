"""ToMA against plain loops written from its description."""

from __future__ import annotations

import copy
import dataclasses
import math
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from plugins.by_loops import SITE, Row, all_cells, cosine, make_case, match, rows_of
from plugins.one_site import STEPS, generate, spied
from seeds import every_seed

import tokred
from tokred import Layout, LinearReduction, Phase, SpecError
from tokred.interfaces import Draw
from tokred.registry import build_method
from tokred.testing.tolerance import assert_same_computation
from tokred_plugins.toma import FacilityMatcher

LAYOUTS = (((4, 4),), ((6, 10),), ((5, 5),), ((9, 3),), ((2, 2),), ((4, 6), (8, 3)))
TILES = {16: (4, 4), 60: (3, 2), 25: (5, 5), 27: (3, 3), 4: (2, 2), 48: (4, 3)}
TIE = 1e-5


def assert_greedy(scores: list[Row], chosen: list[int]) -> None:
    """Assert that each choice covers the tile best; any of those that tie may have been taken."""
    n, covered = len(scores), [-math.inf] * len(scores)
    assert len(set(chosen)) == len(chosen)
    for order, choice in enumerate(chosen):
        gains = {
            i: sum(max(0.0, s - c) if order else s for s, c in zip(scores[i], covered, strict=True))
            for i in range(n)
            if i not in chosen[:order]
        }
        assert gains[choice] >= max(gains.values()) - TIE
        covered = [max(c, s) for c, s in zip(covered, scores[choice], strict=True)]


def weights_by_loops(scores: list[Row], chosen: list[int], scale: float) -> list[Row]:
    """What each destination receives of each token, `[k][n]`: a softmax over the destinations."""
    shares = []
    for token in range(len(scores)):
        top = max(scores[d][token] for d in chosen)
        powers = [math.exp(scale * (scores[d][token] - top)) for d in chosen]
        shares.append([power / sum(powers) for power in powers])
    return [list(column) for column in zip(*shares, strict=True)]


def assert_near(actual: torch.Tensor, expected: Row) -> None:
    """Assert equality up to what a softmax of 1000 times a similarity in float32 is off."""
    relative = 1.6e-2 if actual.dtype == torch.bfloat16 else 2e-3
    torch.testing.assert_close(actual.double(), torch.tensor(expected).double(), rtol=relative, atol=2e-3)


def choices(reduction: LinearReduction, sample: int, tile: list[int], t: int) -> list[int]:
    """The places within a tile of its destinations, in the order of choice."""
    k = reduction.computed // len(reduction.tiles)
    return [tile.index(token) for token in reduction.kept[sample, t * k : (t + 1) * k].tolist()]


@every_seed
def test_destinations_and_weights_equal_plain_loops(seed: int) -> None:
    case = make_case(seed, LAYOUTS)
    tile, scale = TILES[case.layout.image], (1000.0, 10.0)[seed % 2]
    n, method = tile[0] * tile[1], build_method("toma", {"ratio": 0.0, "tile": tile, "scale": scale})
    cells = all_cells(case.layout, tile)
    reduction, _ = match(method, case, case.integer(0, n - 1) * len(cells))
    assert isinstance(reduction, LinearReduction)
    merged = reduction.merge(case.x, "mean")
    back = reduction.unmerge(merged)
    k = reduction.computed // len(cells)
    for sample in range(len(case.x)):
        rows = rows_of(case.x[sample])
        for t, cell in enumerate(cells):
            scores = [[cosine(rows[i], rows[j]) for j in cell] for i in cell]
            chosen = choices(reduction, sample, cell, t)
            assert_greedy(scores, chosen)
            weights = weights_by_loops(scores, chosen, scale)
            for place, line in enumerate(weights):
                mean = [sum(w * rows[j][c] for w, j in zip(line, cell, strict=True)) / sum(line) for c in range(5)]
                assert_near(merged[sample, t * k + place], mean)
            held = rows_of(merged[sample])[t * k : (t + 1) * k]
            for i, token in enumerate(cell):
                mixture = [sum(w[i] * y[c] for w, y in zip(weights, held, strict=True)) for c in range(5)]
                assert_near(back[sample, token], mixture)


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_the_pseudo_inverse_undoes_the_merge_as_far_as_can_be(seed: int) -> None:
    case = make_case(seed, LAYOUTS)
    tile = TILES[case.layout.image]
    method = build_method("toma", {"ratio": 0.0, "tile": tile, "scale": 10.0, "unmerge": "pinv"})
    reduction, _ = match(method, case, tile[0] * tile[1] // 2 * len(all_cells(case.layout, tile)))
    down, up = reduction.down.double(), reduction.up.double()
    close = {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(down @ up @ down, down, **close)
    torch.testing.assert_close(up @ down @ up, up, **close)
    for product in (down @ up, up @ down):
        torch.testing.assert_close(product, product.transpose(2, 3), **close)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("every", "reuse"), [(1, 1), (1, 2), (3, 1), (2, 2)])
def test_a_site_mixes_what_attention_makes_of_the_merged_tokens(model: Any, batch: int, every: int, reuse: int) -> None:
    module = model.transformer_blocks[0].attn1
    attention = copy.deepcopy(module)
    method = build_method("toma", {"tile": (3, 3), "ratio": 1 / 3, "every": every, "reuse": reuse})
    with tokred.apply(model, method), spied(module) as calls:
        generate(model, batch)
    for step, (x, out) in enumerate(calls):
        if step % every:
            torch.testing.assert_close(out, attention(x))
            continue
        if step // every % reuse == 0:
            draw = method.matcher.draw(Layout(((6, 6),)), 12, torch.Generator())
            reduction = method.matcher.match(x, draw, 12, method.similarity, {})
        torch.testing.assert_close(out, reduction.unmerge(attention(reduction.merge(x, "mean"))))
    assert len(calls) == STEPS


@pytest.mark.parametrize(("share", "makers"), [(100, [0, 0]), (1, [0, 1]), (0, [0, 1])])
def test_blocks_use_the_weights_of_the_first_of_their_type(share: int, makers: list[int]) -> None:
    family = BY_NAME["dit"]
    model = family.model()
    attentions = [block.attn1 for block in model.transformer_blocks]
    originals = copy.deepcopy(attentions)
    method, layout = build_method("toma", {"tile": (2, 3), "share": share}), Layout((family.grid,))
    removed = layout.image // 2
    draw = method.matcher.draw(layout, removed, torch.Generator())
    with tokred.apply(model, method), spied(attentions[0]) as first, spied(attentions[1]) as second:
        family.call(model)
    calls = [first[0], second[0]]
    for (x, out), attention, maker in zip(calls, originals, makers, strict=True):
        reduction = method.matcher.match(calls[maker][0], draw, removed, method.similarity, {})
        torch.testing.assert_close(out, reduction.unmerge(attention(reduction.merge(x, "mean"))))


class KeepAll(FacilityMatcher):
    """Makes every token a destination, in the order of choice, whatever it is asked to remove."""

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> Draw:
        return super().draw(layout, 0, generator)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Any, memory: Any) -> LinearReduction:
        return super().match(features, draw, 0, similarity, memory)


@pytest.mark.parametrize("sites", [("attn",), ("block",)], ids=str)
@pytest.mark.parametrize("family", [BY_NAME[name] for name in ("dit", "sd3", "flux", "vit-registers")], ids=str)
def test_rotary_positions_and_the_like_are_those_of_the_destinations(family: Any, sites: Any) -> None:
    model = family.model()
    dense = family.call(model)
    method = dataclasses.replace(build_method("toma", {}), matcher=KeepAll((2, 4), scale=1e8), sites=sites)
    with tokred.apply(model, method) as run:
        assert_same_computation(family.call(model), dense)
        kept = next(iter(run.kept_tokens().values()))
        assert kept == list(range(len(kept)))


def test_the_published_flux_configuration_merges_at_every_third_step() -> None:
    scheduler = build_method("toma", {"every": 3, "reuse": 2}).scheduler
    phases = [scheduler.plan(step, 35, SITE, ()).phase for step in range(12)]
    assert phases == [Phase.MATCH_REDUCE, *[Phase.DENSE] * 2, Phase.REDUCE, *[Phase.DENSE] * 2] * 2
    assert scheduler.reuses
    assert not build_method("toma", {}).scheduler.reuses


@pytest.mark.parametrize(
    ("grids", "tile", "fitting"),
    [
        (((14, 14),), (4, 4), (2, 2)),
        (((16, 9),), (4, 4), (4, 3)),
        (((8, 8), (12, 6)), (4, 4), (4, 2)),
        (((7, 11),), (4, 4), (1, 1)),
    ],
)
def test_tiles_shrink_to_divisors_of_the_grid(grids: Any, tile: Any, fitting: tuple[int, int]) -> None:
    layout, matcher = Layout(grids), build_method("toma", {"tile": tile}).matcher
    n = fitting[0] * fitting[1]
    assert matcher.capacity(layout) == layout.image - layout.image // n
    (tiles,) = matcher.draw(layout, 1, torch.Generator())
    assert tiles.tolist() == all_cells(layout, fitting)


def test_where_tiles_cannot_lose_as_many_tokens_the_first_ones_lose_one_more() -> None:
    method, x = build_method("toma", {"tile": (3, 3)}), torch.randn(2, 36, 5)
    for r in (1, 18, 30, 32):
        draw = method.matcher.draw(Layout(((6, 6),)), r, torch.Generator())
        reduction = method.matcher.match(x, draw, r, method.similarity, {})
        short, least = (
            method.matcher.match(x, draw, 4 * (r // 4 + 1) if r % 4 else r, method.similarity, {}),
            9 - r // 4,
        )
        for sample in range(2):
            for t, cell in enumerate(draw[0].tolist()):
                own = [token for token in reduction.kept[sample].tolist() if token in cell]
                assert len(own) == (least - 1 if t < r % 4 else least)
                if t < r % 4:  # that tile is as if all had lost one more
                    other = short.unmerge(short.merge(x, "mean"))
                    torch.testing.assert_close(reduction.unmerge(reduction.merge(x, "mean"))[:, cell], other[:, cell])
        assert reduction.computed == 36 - r


def test_equal_tokens_are_chosen_in_order_and_once() -> None:
    method = build_method("toma", {"tile": (2, 2), "ratio": 0.25})
    for x in (torch.ones(1, 4, 3), torch.zeros(1, 4, 3)):
        draw = method.matcher.draw(Layout(((2, 2),)), 1, torch.Generator())
        reduction = method.matcher.match(x, draw, 1, method.similarity, {})
        assert reduction.kept.tolist() == [[0, 1, 2]]
        torch.testing.assert_close(reduction.unmerge(reduction.merge(x, "mean")), x)


def test_a_token_that_is_not_a_number_stays_in_its_tile() -> None:
    method, x = build_method("toma", {"tile": (2, 2)}), torch.randn(1, 16, 3)
    draw = method.matcher.draw(Layout(((4, 4),)), 8, torch.Generator())
    clean = method.matcher.match(x, draw, 8, method.similarity, {})
    x[0, 0] = float("nan")
    for unmerge in ("transpose", "pinv"):
        matcher = build_method("toma", {"tile": (2, 2), "unmerge": unmerge}).matcher
        assert torch.equal(matcher.match(x, draw, 8, method.similarity, {}).kept[:, 2:], clean.kept[:, 2:])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"tile": (0, 4)}, "tile: sy=0 must be an integer of at least 1"),
        ({"scale": 0.0}, "scale=0.0 must be a finite number above 0: the sharpness of the weights"),
        ({"unmerge": "inverse"}, "unmerge='inverse' is not known. Allowed: transpose, pinv"),
        ({"every": 0}, "every=0 must be an integer of at least 1: the number of steps from one merging step"),
        ({"reuse": 0}, "reuse=0 must be an integer of at least 1: the number of merging steps that one match serves"),
        ({"ratio": 0.95}, "ratio=0.95 for method 'toma' is too much"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("toma", params)
