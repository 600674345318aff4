"""ToDo against plain loops written from its description, and against PyTorch's own downsampling."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from plugins.by_loops import make_case, match
from plugins.one_site import GRID, generate, spied
from seeds import every_seed
from torch.nn.functional import interpolate

import tokred
from tokred import Layout, SpecError, UnsupportedModel
from tokred.registry import build_method

LAYOUTS = (((4, 4),), ((6, 10),), ((2, 8),), ((12, 4),), ((2, 2),), ((4, 6), (8, 2)))


def sampled_by_loops(grid: tuple[int, int], factor: int, sample: str, start: int) -> list[list[int]]:
    """The tokens that each token of the smaller grid is made of."""
    (h, w), half = grid, 0.5 if sample == "nearest-exact" else 0.0
    found = []
    for i in range(h // factor):
        for j in range(w // factor):
            if sample == "mean":
                rows, columns = range(i * factor, (i + 1) * factor), range(j * factor, (j + 1) * factor)
            else:
                rows, columns = [math.floor((i + half) * factor)], [math.floor((j + half) * factor)]
            found.append([start + y * w + x for y in rows for x in columns])
    return found


@every_seed
def test_keys_are_made_of_a_smaller_grid(seed: int) -> None:
    case, sample = make_case(seed, LAYOUTS), ("nearest-exact", "nearest", "mean")[seed % 3]
    factor = 4 if all(n % 4 == 0 for grid in case.layout.grids for n in grid) and seed % 2 else 2
    method = build_method("todo", {"factor": factor, "sample": sample})
    r = method.matcher.capacity(case.layout)
    assert r == round(method.scheduler.ratio * case.layout.image)
    reduction, _ = match(method, case, r)
    merged = reduction.merge(case.x, method.merge)  # type: ignore[arg-type]
    start, place = 0, 0
    for h, w in case.layout.grids:
        sources = sampled_by_loops((h, w), factor, sample, start)
        expected = torch.stack([case.x[:, tokens].double().mean(1) for tokens in sources], dim=1)
        cells = merged[:, place : place + len(sources)]
        torch.testing.assert_close(cells, expected.to(merged.dtype))
        if sample != "mean":
            image = case.x[:, start : start + h * w].float().transpose(1, 2).unflatten(2, (h, w))
            smaller = interpolate(image, size=(h // factor, w // factor), mode=sample).flatten(2).transpose(1, 2)
            torch.testing.assert_close(cells.float(), smaller)
        start, place = start + h * w, place + len(sources)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("sample", ["nearest-exact", "nearest", "mean"])
def test_every_query_attends_to_the_smaller_grid(model: Any, batch: int, sample: str) -> None:
    module = model.transformer_blocks[0].attn1
    attention, sources = copy.deepcopy(module), sampled_by_loops(GRID, 2, sample, 0)
    with tokred.apply(model, "todo", sample=sample) as run, spied(module) as calls:
        generate(model, batch)
        assert {call.removed for call in run.report().calls} == {27}
    for x, out in calls:
        smaller = torch.stack([x[:, tokens].mean(1) for tokens in sources], dim=1)
        torch.testing.assert_close(out, attention(x, encoder_hidden_states=smaller))


@pytest.mark.parametrize("name", ["pixart", "sd3", "sd35"])
def test_what_is_counted_is_what_attention_costs(name: str) -> None:
    family = BY_NAME[name]
    model = family.model()
    with tokred.apply(model, "todo") as run:
        family.call(model)
        call = run.report().calls[0]
    tokens, text = 48, call.context
    cost = call.site.cost
    assert call.flops == 2 * (cost.query * (tokens + text) + (cost.key + cost.pair * (tokens + text)) * (12 + text))


def test_a_mask_of_the_keys_is_refused() -> None:
    """Diffusers would pad it to the number of queries."""
    family = BY_NAME["pixart"]
    model = family.model()
    arguments = family.arguments(model, seed=0) | {"attention_mask": torch.ones(2, 48)}
    with (
        tokred.apply(model, "todo"),
        pytest.raises(UnsupportedModel, match="was given 'attention_mask', which cannot be cut to"),
    ):
        family.run(model, arguments)


@pytest.mark.parametrize("name", ["vit"])
def test_families_whose_keys_cannot_be_made_apart_are_refused(name: str) -> None:
    with pytest.raises(SpecError, match="sites=.'kv',.: 'kv' is not offered at . of the chosen sites"):
        tokred.apply(BY_NAME[name].model(), "todo")


@pytest.mark.parametrize(("grid", "capacity"), [((4, 4), 12), ((4, 5), 16), ((1, 8), 0), ((7, 3), 18)])
def test_what_a_grid_can_lose(grid: tuple[int, int], capacity: int) -> None:
    assert build_method("todo", {}).matcher.capacity(Layout((grid,))) == capacity


@pytest.mark.parametrize("sample", ["nearest-exact", "nearest"])
@pytest.mark.parametrize("grid", [(5, 7), (7, 3), (9, 10), (11, 13)])
@pytest.mark.parametrize("factor", [2, 3])
def test_a_grid_that_the_factor_does_not_divide_is_resized_as_pytorch_does(
    sample: str, grid: tuple[int, int], factor: int
) -> None:
    (h, w), matcher = grid, build_method("todo", {"factor": factor, "sample": sample}).matcher
    tokens = torch.arange(h * w).float().view(1, 1, h, w)
    picked = interpolate(tokens, size=(h // factor, w // factor), mode=sample).flatten().long().tolist()
    for r in (1, round(matcher.max_ratio * h * w), matcher.capacity(Layout((grid,)))):
        src, dst = matcher.draw(Layout((grid,)), r, torch.Generator())
        assert src[0].tolist() == [t for t in range(h * w) if t not in picked][:r]
        assert set(dst[0].tolist()) <= set(picked)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"factor": 1}, "factor=1 must be an integer of at least 2: by how much the grid gets smaller"),
        ({"sample": "max"}, "sample='max' is not known. Allowed: nearest-exact, nearest, mean"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("todo", params)
