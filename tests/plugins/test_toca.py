"""ToCa against plain loops written from its description."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from plugins.by_loops import all_cells, make_case, rows_of
from plugins.one_site import STEPS, TOKENS, generate, spied
from seeds import every_seed

import tokred
from tokred import Layout, Phase, SiteInfo, SpecError, UnsupportedModel
from tokred.parts import Cosine
from tokred.registry import build_method
from tokred_plugins.toca import FreshMatcher

WINDOWS = ((2, 2), (1, 2), (2, 1), (2, 3))


def fresh_by_loops(
    rows: list[list[float]], stale: list[float], windows: list[list[int]], number: int, matcher: FreshMatcher
) -> list[int]:
    """The tokens of the highest scores; earlier ones win ties."""
    lengths = [math.hypot(*row) for row in rows]
    score = [
        length / math.hypot(*lengths) + matcher.staleness * count / matcher.every
        for length, count in zip(lengths, stale, strict=True)
    ]
    best = [max(window, key=lambda t: (score[t], -t)) for window in windows]
    score = [s * (1 + matcher.bonus) if t in best else s for t, s in enumerate(score)]
    return sorted(range(len(rows)), key=lambda t: -score[t])[:number]


@every_seed
def test_five_matches_in_a_row_equal_plain_loops(seed: int) -> None:
    case = make_case(seed)
    window = WINDOWS[seed % 4] if case.layout.image > 4 else (2, 2)
    matcher = FreshMatcher(2 + seed % 3, (0.25, 0.0, 2.0)[seed % 3], (0.6, 0.0, 0.1, 3.0)[seed % 4], window)
    windows, tokens = all_cells(case.layout, window), case.layout.image
    memory = {name: torch.zeros(shape) for name, shape in matcher.state_spec((len(case.x), tokens)).items()}
    stale = [[0.0] * tokens for _ in case.x]
    for number in range(5):
        x = torch.randn(len(case.x), tokens, 5, generator=case.generator).to(case.x.dtype)
        r = case.integer(1, matcher.capacity(case.layout))
        reduction = matcher.match(x, matcher.draw(case.layout, r, case.generator), r, Cosine(), memory)
        for sample in range(len(x)):
            since = [0.0] * tokens if number % (matcher.every - 1) == 0 else stale[sample]
            since = [count + 1 for count in since]
            fresh = fresh_by_loops(rows_of(x[sample]), since, windows, tokens - r, matcher)
            assert reduction.kept[sample].tolist() == sorted(fresh)
            stale[sample] = [0.0 if t in fresh else count for t, count in enumerate(since)]
            assert memory["stale"][sample].tolist() == stale[sample]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("fresh", "every"), [(0.25, 3), (0.5, 4), (0.0, 2)])
def test_attention_is_reused_and_mlps_are_written_in_part(model: Any, batch: int, fresh: float, every: int) -> None:
    block = model.transformer_blocks[0]
    project, dense = copy.deepcopy(block.attn1.to_v), copy.deepcopy(block.ff)
    matcher, windows = FreshMatcher(every), all_cells(Layout(((6, 6),)), (2, 2))
    with (
        tokred.apply(model, "toca", fresh=fresh, every=every),
        spied(block.attn1) as attentions,
        spied(block.ff) as mlps,
    ):
        generate(model, batch)
    for step in range(STEPS):
        (x, attended), (y, out) = attentions[step], mlps[step]
        if step % every == 0:
            values, reused, cache = project(x), attended, dense(y)
            stale = [[0.0] * TOKENS for _ in range(batch)]
            assert torch.equal(out, cache)
            continue
        assert torch.equal(attended, reused)
        for sample in range(batch if fresh else 0):
            since = [count + 1 for count in stale[sample]]
            number = TOKENS - round((1 - fresh) * TOKENS)
            chosen = fresh_by_loops(rows_of(values[sample]), since, windows, number, matcher)
            stale[sample] = [0.0 if t in chosen else count for t, count in enumerate(since)]
            cache[sample, chosen] = dense(y[sample, chosen])
        torch.testing.assert_close(out, cache)


def test_the_plan_of_every_step_and_kind() -> None:
    scheduler = build_method("toca", {"fresh": 0.25}).scheduler
    for step in range(8):
        for kind in ("attn", "mlp", "block"):
            plan = scheduler.plan(step, 8, SiteInfo("", kind, 0, 1), ())  # type: ignore[arg-type]
            if step in (0, 3, 6):
                assert plan.phase is Phase.DENSE
            else:
                wanted = (Phase.MATCH_REDUCE, 0.75) if kind == "mlp" else (Phase.REDUCE, 1.0)
                assert (plan.phase, plan.ratio) == wanted


@pytest.mark.parametrize("name", ["pixart", "sd35", "flux"])
def test_it_computes_what_it_says(name: str) -> None:
    family = BY_NAME[name]
    model = family.model()
    with tokred.apply(model, "toca", fresh=0.25) as run:
        assert torch.isfinite(family.generate(model, steps=3)).all()
        report = run.report()
    for call in report.calls:
        tokens = call.layout.image
        partly = round(0.75 * tokens) if call.site.kind == "mlp" else tokens
        assert call.removed == (partly if call.position.step else 0)
    assert report.unplanned == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"fresh": -0.1}, r"ratio=1.1 must be a number in \[0, 1\]"),
        ({"every": 1}, "every=1 must be an integer of at least 2: the number of steps from one dense step to the next"),
        ({"staleness": -1.0}, "staleness=-1.0 must be a finite number of at least 0"),
        ({"bonus": math.inf}, "bonus=inf must be a finite number of at least 0"),
        ({"window": (0, 2)}, "window: sy=0 must be an integer of at least 1"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("toca", params)


def test_a_classifier_has_no_dense_step() -> None:
    with pytest.raises(UnsupportedModel, match="toca reuses correspondences from step to step"):
        tokred.apply(BY_NAME["vit"].model(), "toca")
