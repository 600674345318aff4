"""AsymRnR against plain loops written from its description."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from plugins.by_loops import (
    SITE,
    Measure,
    Row,
    assert_merges_and_copies,
    cosine,
    make_case,
    match,
    most_similar,
    pairs_in,
    rows_of,
)
from plugins.one_site import STEPS, TOKENS, draws, generate, spied
from seeds import every_seed
from torch.utils.flop_counter import FlopCounterMode

import tokred
from tokred import Phase, SiteInfo, SpecError, UnsupportedModel
from tokred.registry import build_method


def dot(a: Row, b: Row) -> float:
    return sum(p * q for p, q in zip(a, b, strict=True))


def nearness(a: Row, b: Row) -> float:
    return -sum((p - q) ** 2 for p, q in zip(a, b, strict=True))


MEASURES: dict[str, Measure] = {"euclidean": nearness, "dot": dot, "cosine": cosine}


@every_seed
def test_pairs_and_copies_equal_plain_loops(seed: int) -> None:
    case, measure = make_case(seed), list(MEASURES)[seed % 3]
    stride = ((2, 2), (1, 2), (2, 1), (2, 2))[seed // 3 % 4]
    method = build_method("asymrnr", {"measure": measure, "stride": stride, "queries": (0.5,), "keys": (0.0,)})
    r = case.integer(1, method.matcher.capacity(case.layout))
    reduction, draw = match(method, case, r)
    dst = draw[0].tolist()
    src = [t for t in range(case.layout.image) if t not in dst]
    for sample in range(len(case.x)):
        pairs = most_similar(rows_of(case.x[sample]), src, dst, r, MEASURES[measure])
        assert pairs_in(reduction, sample) == pairs
        assert_merges_and_copies(reduction, case, sample, pairs, "prune")


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("reuse", [1, 2, 5])
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("queries", "keys"), [(0.5, 0.3), (0.75, 0.0), (0.0, 0.5)])
def test_queries_and_keys_are_dropped_by_pairs_of_their_own(
    model: Any, batch: int, reuse: int, measure: str, queries: float, keys: float
) -> None:
    module = model.transformer_blocks[0].attn1
    attention = copy.deepcopy(module)
    params = {"queries": (queries,), "keys": (keys,), "reuse": reuse, "measure": measure}
    with tokred.apply(model, "asymrnr", **params), spied(module) as calls:
        generate(model, batch)
    drawn = iter(draws(2 * STEPS))
    for step, (x, out) in enumerate(calls):
        if step % reuse == 0:
            compared = ((queries, attention.to_q), (keys, attention.to_v))
            pairs = [
                [most_similar(rows_of(y), *sides, round(ratio * TOKENS), MEASURES[measure]) for y in project(x)]
                for ratio, project in compared
                for sides in (next(drawn) if ratio else ([], []),)
            ]
        for sample in range(batch):
            of_queries, of_keys = pairs[0][sample], pairs[1][sample]
            asking, asked = ([t for t in range(TOKENS) if t not in gone] for gone in (of_queries, of_keys))
            y = attention(x[sample : sample + 1, asking], encoder_hidden_states=x[sample : sample + 1, asked])[0]
            by_token = dict(zip(asking, y, strict=True))
            expected = torch.stack([by_token[of_queries.get(t, t)] for t in range(TOKENS)])
            torch.testing.assert_close(out[sample], expected)


def test_random_pairs_compare_nothing(model: Any) -> None:
    with tokred.apply(model, "asymrnr", measure="random", queries=(0.5,), keys=(0.9,)) as run:
        generate(model, 2)
        kept = {name: len(tokens) for name, tokens in run.kept_tokens().items()}
    assert kept == {"transformer_blocks.0.attn1": 18, "transformer_blocks.0.attn1.kv": 4}


@pytest.mark.parametrize("ratios", [((0.5,), (0.3,)), ((0.0,), (0.5,)), ((0.75,), (0.0,)), ((0.0, 0.5), (0.5, 0.0))])
@pytest.mark.parametrize("name", ["dit", "pixart", "sd3", "sd35"])
def test_what_is_counted_is_what_torch_counts(name: str, ratios: Any) -> None:
    """But for the match: the second step reuses it."""
    family = BY_NAME[name]
    model = family.model()
    queries, keys = ratios
    with (
        tokred.apply(model, "asymrnr", measure="random", queries=queries, keys=keys) as run,
        torch.no_grad(),
    ):
        for step in range(2):
            with tokred.step(step, 2), FlopCounterMode(display=False) as counter:
                family.run(model, family.arguments(model, 0))
        calls = [call for call in run.report().calls if call.position.step == 1]
        attentions = [call.site.name for call in calls if call.site.kind == "attn"]
    counts = {key.partition(".")[2]: sum(value.values()) for key, value in counter.get_flop_counts().items()}
    for site in attentions:
        if name.startswith("sd3") and site == "transformer_blocks.1.attn":
            continue  # computes no output of the text, and is counted as if it did
        here = [call for call in calls if call.site.name.removesuffix(".kv") == site]
        claimed, dense = sum(call.flops for call in here), sum(call.dense_flops for call in here)
        assert claimed == pytest.approx(counts[site], rel=0.01)
        assert claimed < dense or not any(call.removed for call in here)


def test_ratios_of_parts_of_the_blocks() -> None:
    scheduler = build_method("asymrnr", {"queries": (0.0, 0.4, 0.7), "keys": (0.1, 0.2), "reuse": 3}).scheduler
    assert (scheduler.ratio, scheduler.reuses) == (0.7, True)
    for step, (depth, blocks) in itertools.product(range(7), [(d, b) for b in (1, 2, 3, 7) for d in range(b)]):
        for kind, ratios in (("attn", (0.0, 0.4, 0.7)), ("kv", (0.1, 0.2))):
            plan = scheduler.plan(step, 7, SiteInfo("", kind, depth, blocks), ())  # type: ignore[arg-type]
            assert plan.phase is (Phase.MATCH_REDUCE if step in (0, 3, 6) else Phase.REDUCE)
            part = sum(depth * len(ratios) >= blocks * (place + 1) for place in range(len(ratios)))
            assert plan.ratio == ratios[part]


def test_one_match_per_call_needs_no_steps(model: Any) -> None:
    method = build_method("asymrnr", {"reuse": 1})
    assert not method.scheduler.reuses
    assert method.scheduler.plan(3, 8, SITE, ()).phase is Phase.MATCH_REDUCE


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"queries": (1.0,)}, r"ratio=1.0 must be a number in \[0, 1\)"),
        ({"keys": (0.2, -0.1)}, r"ratio=-0.1 must be a number in \[0, 1\)"),
        ({"queries": 0.5}, "queries=0.5 must be a tuple of ratios, for equal parts of the blocks"),
        ({"keys": ()}, "keys=.. must be a tuple of ratios, for equal parts of the blocks"),
        ({"queries": (0.8,)}, "ratio=0.8 for method 'asymrnr' is too much"),
        ({"reuse": 0}, "reuse=0 must be an integer of at least 1: the number of steps that one match serves"),
        ({"measure": "l1"}, "measure='l1' is not known. Allowed: euclidean, dot, cosine, random"),
        ({"stride": (0, 2)}, "stride: sy=0 must be an integer of at least 1"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("asymrnr", params)


def test_a_signal_that_its_measures_do_not_know() -> None:
    for name in ("euclidean", "dot"):
        with pytest.raises(SpecError, match="Unknown signal 'keys'"):
            tokred.compose(
                similarity=f"{name}:signal=keys", matcher="grid", scheduler="every_step:ratio=0.5", recovery="copy"
            )


def test_a_projection_is_not_offered_everywhere() -> None:
    params = {"similarity": "cosine:signal=projection", "matcher": "grid", "recovery": "copy"}
    method = tokred.compose(**params, scheduler="every_step:ratio=0.5", sites=("mlp",))
    with pytest.raises(SpecError, match="signal='projection' is not offered at 2 of .*: it has no such projection"):
        tokred.apply(BY_NAME["dit"].model(), method)


def test_queries_and_keys_of_other_tokens_have_their_own_rotary_positions() -> None:
    """That positions are right is checked by the family's suite: `order_of_tokens_does_not_matter`."""
    host = BY_NAME["flux"]
    model = host.model()
    with tokred.apply(model, "asymrnr") as run:
        assert host.generate(model).isfinite().all()
        assert {(call.site.kind, call.removed) for call in run.report().calls} == {("attn", 24), ("kv", 14)}


def test_classifiers_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="asymrnr reuses correspondences from step to step"):
        tokred.apply(BY_NAME["vit"].model(), "asymrnr")
