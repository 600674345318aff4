"""Each method at one real site, against plain loops written from its description."""

from __future__ import annotations

import copy
import dataclasses
import math
from typing import Any

import pytest
import torch
from plugins.by_loops import groups, merged, most_similar, rows_of
from plugins.one_site import STEPS, TOKENS, draws, generate, spied

import tokred
from tokred import parts
from tokred.registry import build_method


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75])
@pytest.mark.parametrize(
    ("method", "params", "mode"),
    [("tomesd", {}, "mean"), ("tofu", {"early": 1.0}, "prune"), ("tofu", {"early": 0.0}, "mlerp")],
    ids=["tomesd", "tofu-early", "tofu-late"],
)
def test_groups_by_block_input_are_merged_in_every_call(
    model: Any, batch: int, ratio: float, method: str, params: dict[str, float], mode: str
) -> None:
    block = model.transformer_blocks[0]
    attention = copy.deepcopy(block.attn1)
    with tokred.apply(model, method, ratio=ratio, **params), spied(block) as blocks, spied(block.attn1) as calls:
        generate(model, batch)
    assert len(calls) == STEPS
    for (src, dst), (block_input, _), (x, out) in zip(draws(STEPS), blocks, calls, strict=True):
        for sample in range(batch):
            pairs = most_similar(rows_of(block_input[sample]), src, dst, round(ratio * TOKENS))
            members, rows = groups(pairs, TOKENS), rows_of(x[sample])
            tokens = torch.tensor([merged(rows, group, mode) for group in members.values()])
            y = dict(zip(members, attention(tokens[None])[0], strict=True))
            expected = torch.stack([y[pairs.get(t, t)] for t in range(TOKENS)])
            torch.testing.assert_close(out[sample], expected)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("signal", ["output", "input"])
@pytest.mark.parametrize(("ratio", "interval"), [(0.5, 2), (0.75, 3), (0.25, 4)])
def test_dito_copies_by_pairs_of_the_matching_step(
    model: Any, batch: int, signal: str, ratio: float, interval: int
) -> None:
    ff = model.transformer_blocks[0].ff
    dense = copy.deepcopy(ff)
    with (
        tokred.apply(model, "dito", ratio=ratio, interval=interval, signal=signal, sites=("mlp",)),
        spied(ff) as calls,
    ):
        generate(model, batch)
    drawn = iter(draws(STEPS))
    for step, (x, out) in enumerate(calls):
        if step % interval == 0:
            src, dst = next(drawn)
            matched = out if signal == "output" else x
            pairs = [most_similar(rows_of(matched[sample]), src, dst, round(ratio * TOKENS)) for sample in range(batch)]
            assert torch.equal(out, dense(x))
            continue
        for sample in range(batch):
            y = dense(x[sample])
            expected = torch.stack([y[pairs[sample].get(t, t)] for t in range(TOKENS)])
            torch.testing.assert_close(out[sample], expected)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("ratio", "interval"), [(0.5, 2), (0.75, 3)])
def test_dito_copies_in_an_mlp_by_the_pairs_that_its_block_shares(
    model: Any, batch: int, ratio: float, interval: int
) -> None:
    block = model.transformer_blocks[0]
    dense = copy.deepcopy(block.ff)
    method = build_method("dito", {"ratio": ratio, "interval": interval, "share": 1})
    with tokred.apply(model, method), spied(block.attn1) as attended, spied(block.ff) as calls:
        generate(model, batch)
    drawn = iter(draws(STEPS))
    for step, ((_, attention), (x, out)) in enumerate(zip(attended, calls, strict=True)):
        if step % interval == 0:
            src, dst = next(drawn)
            pairs = [most_similar(rows_of(attention[i]), src, dst, round(ratio * TOKENS)) for i in range(batch)]
            assert torch.equal(out, dense(x))
            continue
        for sample in range(batch):
            y = dense(x[sample])
            expected = torch.stack([y[pairs[sample].get(t, t)] for t in range(TOKENS)])
            torch.testing.assert_close(out[sample], expected)


@pytest.mark.parametrize("batch", [1, 3])
def test_an_oracle_of_dito_pairs_by_the_outputs_of_each_step(model: Any, batch: int) -> None:
    """The destinations are those of the last Matching step."""
    ff = model.transformer_blocks[0].ff
    dense = copy.deepcopy(ff)
    with tokred.apply(model, "dito", interval=3, oracle=True, sites=("mlp",)), spied(ff) as calls:
        generate(model, batch)
    src, dst = draws(1)[0]
    for x, out in calls[1:3]:
        for sample in range(batch):
            y = dense(x[sample])
            pairs = most_similar(rows_of(y), src, dst, TOKENS // 2)
            torch.testing.assert_close(out[sample], torch.stack([y[pairs.get(t, t)] for t in range(TOKENS)]))


@pytest.mark.parametrize("order", [0, 1])
def test_delta_keeps_the_tokens_whose_forecasts_erred_most(model: Any, order: int) -> None:
    ff, choice = model.transformer_blocks[0].ff, {"signal": "error", "remove": "least"}
    schedule = {"order": order, "variable": "noise", "dense_first": 3, "interval": 4, "ratio": 0.5}
    with tokred.apply(model, "delta", sites=("mlp",), keys="kept", **schedule, **choice) as run, spied(ff) as calls:
        generate(model, batch=1)
        (kept,) = run.kept_tokens().values()
    first, second, third = (out for _, out in calls[:3])
    errors = rows_of((third - (second if order == 0 else 2 * second - first))[0])
    src, dst = draws(1)[0]
    by_error = sorted(src, key=lambda token: math.hypot(*errors[token]))
    assert sorted(kept) == sorted([*dst, *by_error[TOKENS // 2 :]])


def test_random_is_the_same_for_a_seed_and_differs_between_seeds(model: Any) -> None:
    outputs = []
    for seed in (0, 0, 1):
        with tokred.apply(model, "random", ratio=0.5, seed=seed), spied(model) as calls:
            generate(model, 2)
        outputs.append(calls[-1][1].sample)
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])


@pytest.mark.parametrize("place", ["output", "keys"])
def test_cached_recovery_gives_removed_tokens_what_they_were_at_the_dense_step(model: Any, place: str) -> None:
    block = model.transformer_blocks[0]
    module, site = (block.ff, "mlp") if place == "output" else (block.attn1.to_k, "attn")
    cached = dataclasses.replace(
        build_method("dito", {"interval": 3, "sites": (site,)}),
        recovery=parts.Cached(),
        keys="kept" if place == "output" else "recovered",
    )
    with tokred.apply(model, cached) as run, spied(module) as calls:
        generate(model, batch=1)
        (kept,) = run.kept_tokens().values()
    # Step 3 matches anew, so the pairs of steps 1 and 2 are those of the first draw: read off what stayed the same.
    (_, dense), *reduced, _ = calls
    for _, out in reduced:
        assert out.shape == dense.shape
        same = [t for t in range(TOKENS) if torch.equal(out[0, t], dense[0, t])]
        assert len(same) == TOKENS // 2
    assert len(kept) == TOKENS // 2
