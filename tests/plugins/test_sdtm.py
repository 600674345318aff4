"""SDTM against plain loops written from its description."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from plugins.by_loops import (
    SITE,
    Case,
    Pairs,
    Row,
    all_cells,
    assert_merges_and_copies,
    cosine,
    groups,
    make_case,
    most_similar,
    pairs_in,
    rows_of,
)
from plugins.one_site import TOKENS, generate, spied
from seeds import every_seed

import tokred
from tokred import Matcher, Phase, Reduction, SiteInfo, SpecError, UnsupportedModel
from tokred.interfaces import Time
from tokred.parts import Blend, Cosine
from tokred.registry import build_method
from tokred_plugins.sdtm import AnchorMatcher, WindowMatcher

WINDOWS = ((2, 2), (1, 2), (2, 1), (2, 3))


def windows_by_loops(
    rows: list[Row], windows: list[list[int]], anchors: list[int], stale: list[float], r: int, weight: float
) -> Pairs:
    """The tokens of the most alike windows, r in all, and the anchor of each."""
    mean = sum(stale) / len(stale)

    def score(window: list[int]) -> float:
        alike = sum(cosine(rows[i], rows[j]) for i in window for j in window) / len(window) ** 2
        often = sum(stale[i] / mean if mean else 0.0 for i in window) / len(window)
        return alike + weight * often

    order = sorted(range(len(windows)), key=lambda w: -score(windows[w]))
    pairs = [(token, anchors[w]) for w in order for token in windows[w] if token != anchors[w]]
    return dict(pairs[:r])


def anchors_by_loops(rows: list[Row], windows: list[list[int]], stale: list[float], r: int) -> Pairs:
    """The r tokens most similar to a window's stalest token, and that token."""
    anchors = sorted(max(window, key=lambda t: (stale[t], -t)) for window in windows)
    return most_similar(rows, [t for t in range(len(rows)) if t not in anchors], anchors, r)


def counted_by_loops(stale: list[float], pairs: Pairs) -> list[float]:
    """One more for every token in a group of several, 0 for the others."""
    members = {*pairs, *pairs.values()}
    return [count + 1 if t in members else 0 for t, count in enumerate(stale)]


def run(matcher: Matcher, case: Case, r: int, memory: dict[str, torch.Tensor]) -> tuple[Reduction, Any]:
    draw = matcher.draw(case.layout, r, case.generator)
    return matcher.match(case.x, draw, r, Cosine(), memory), draw


@every_seed
def test_three_matches_in_a_row_equal_plain_loops(seed: int) -> None:
    case = make_case(seed)
    window, weight = WINDOWS[seed % 4] if case.layout.image > 4 else (2, 2), (0.05, 0.0, 2.0, -1.0)[seed % 4]
    early, late = WindowMatcher(window, weight), AnchorMatcher(window)
    windows = all_cells(case.layout, window)
    memory = {name: torch.zeros(shape) for name, shape in early.state_spec((len(case.x), case.layout.image)).items()}
    stale = [[0.0] * case.layout.image for _ in case.x]
    for matcher in (early, early, late):
        r = case.integer(1, matcher.capacity(case.layout))
        reduction, draw = run(matcher, case, r, memory)
        for sample in range(len(case.x)):
            rows = rows_of(case.x[sample])
            if matcher is early:
                pairs = windows_by_loops(rows, windows, draw[1].tolist(), stale[sample], r, weight)
            else:
                pairs = anchors_by_loops(rows, windows, stale[sample], r)
            assert pairs_in(reduction, sample) == pairs
            assert_merges_and_copies(reduction, case, sample, pairs, "mean")
            stale[sample] = counted_by_loops(stale[sample], pairs)
            assert memory["merged"][sample].tolist() == stale[sample]


@every_seed
def test_merged_tokens_are_blended_with_what_they_were(seed: int) -> None:
    case, new = make_case(seed), (0.0, 0.2, 0.7, 1.0)[seed % 4]
    r = case.integer(1, WindowMatcher().capacity(case.layout))
    memory = {
        name: torch.zeros(shape) for name, shape in WindowMatcher().state_spec((len(case.x), case.layout.image)).items()
    }
    reduction, _ = run(WindowMatcher(), case, r, memory)
    recovery, time = Blend(new), Time.at(torch.zeros(()))
    cached = {
        name: torch.zeros(shape, dtype=case.x.dtype) for name, shape in recovery.state_spec(tuple(case.x.shape)).items()
    }
    recovery.observe(case.x, cached, time, None)
    kept = torch.randn(len(case.x), reduction.computed, 5, generator=case.generator).to(case.x.dtype)
    full = recovery.recover(kept, reduction, cached, time)
    assert full.dtype == case.x.dtype
    assert torch.equal(recovery.recall(cached, time), case.x)
    for sample in range(len(case.x)):
        pairs = pairs_in(reduction, sample)
        places = {t: place for place, t in enumerate(groups(pairs, case.layout.image))}
        for token in range(case.layout.image):
            copied = kept[sample, places[pairs.get(token, token)]].double()
            merged = token in {*pairs, *pairs.values()}
            expected = new * copied + (1 - new) * case.x[sample, token].double() if merged else copied
            torch.testing.assert_close(full[sample, token], expected.to(full.dtype))


@pytest.mark.parametrize("steps", [2, 7, 20, 28, 50])
def test_the_plan_of_every_step(steps: int) -> None:
    scheduler = build_method("sdtm", {}).scheduler
    for kind in ("attn", "mlp", "block"):
        for step in range(steps):
            plan = scheduler.plan(step, steps, SiteInfo("", kind, 0, 1), ())  # type: ignore[arg-type]
            late = step / steps >= 0.75
            if step % 3 == 0 or (late and kind != "mlp"):
                assert plan.phase is Phase.DENSE
                continue
            assert plan.phase is Phase.MATCH_REDUCE
            assert plan.ratio == pytest.approx(0.1 + 0.4 * math.cos(math.pi * step / (2 * (steps - 1))))
            assert plan.matcher == (AnchorMatcher() if late else None)
    assert scheduler.ratio == pytest.approx(0.5)
    assert scheduler.plan(0, 1, SITE, ()).phase is Phase.DENSE


def test_windows_are_merged_up_to_step_20_of_28_as_published() -> None:
    scheduler, mlp = build_method("sdtm", {}).scheduler, SiteInfo("", "mlp", 0, 1)
    late = [step for step in range(28) if scheduler.plan(step, 28, mlp, ()).matcher]
    assert min(late) == 22  # step 21 is dense
    assert scheduler.plan(20, 28, mlp, ()).phase is Phase.MATCH_REDUCE


@pytest.mark.parametrize("batch", [1, 3])
def test_a_site_blends_with_its_last_dense_step_and_counts_on_over_the_switch(model: Any, batch: int) -> None:
    ff = model.transformer_blocks[0].ff
    dense, method = copy.deepcopy(ff), build_method("sdtm", {"switch": 0.5, "sites": ("mlp",)})
    block = model.transformer_blocks[0]
    with tokred.apply(model, method), spied(block) as blocks, spied(ff) as calls:
        generate(model, batch)
    memory, generator = {"merged": torch.zeros(batch, TOKENS)}, torch.Generator().manual_seed(0)
    for step, ((features, _), (x, out)) in enumerate(zip(blocks, calls, strict=True)):
        if step % 3 == 0:
            cached = dense(x)
            assert torch.equal(out, cached)
            continue
        plan = method.scheduler.plan(step, 4, SiteInfo("", "mlp", 0, 1), ())
        matcher, r = plan.matcher or method.matcher, round(plan.ratio * TOKENS)
        draw = matcher.draw(tokred.Layout(((6, 6),)), r, generator)
        reduction = matcher.match(features, draw, r, method.similarity, memory)
        copied = reduction.unmerge(dense(reduction.merge(x, "mean")))
        merged = (reduction.sizes.gather(1, reduction.assign) > 1)[:, :, None]
        torch.testing.assert_close(out, torch.where(merged, 0.2 * copied + 0.8 * cached, copied))
    assert memory["merged"].max() == 2


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ratio": 0.7}, "ratio=1.1.* must be a number in .0, 1."),
        ({"ratio": 0.5}, "ratio=0.83.* for method 'sdtm' is too much"),
        ({"spread": 1.5}, "spread=1.5 must be in .0, 1.: it is a share"),
        ({"frequency": math.inf}, "frequency=inf must be a finite number; below 0 it spares what was merged"),
        ({"protect": 1}, "protect=1 must be an integer of at least 2: the number of steps from one dense step to the"),
        ({"switch": 1.2}, "switch=1.2 must be in .0, 1.: it is a share"),
        ({"new": -0.1}, "new=-0.1 must be in .0, 1.: the weight of the output beside the cached one"),
        ({"window": (0, 2)}, "window: sy=0 must be an integer of at least 1"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("sdtm", params)


def test_a_classifier_has_no_dense_step() -> None:
    with pytest.raises(UnsupportedModel, match="sdtm reuses correspondences from step to step"):
        tokred.apply(BY_NAME["vit"].model(), "sdtm")
