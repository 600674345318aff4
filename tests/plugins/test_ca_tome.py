"""CA-ToMe against plain loops written from its description."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from plugins.by_loops import (
    SITE,
    assert_merges_and_copies,
    groups,
    make_case,
    match,
    merged,
    most_similar,
    pairs_in,
    rows_of,
)
from plugins.one_site import STEPS, TOKENS, draws, generate, spied
from seeds import every_seed

import tokred
from tokred import Phase, SpecError, UnsupportedModel
from tokred.registry import build_method


@every_seed
def test_pairs_of_a_checkpoint_merge_the_tokens_of_a_later_step(seed: int) -> None:
    case, later, method = make_case(seed), make_case(seed), build_method("ca_tome", {})
    later.x.normal_(generator=case.generator)
    r = case.integer(1, method.matcher.capacity(case.layout))
    reduction, draw = match(method, case, r)
    dst = draw[0].tolist()
    src = [t for t in range(case.layout.image) if t not in dst]
    for sample in range(len(case.x)):
        pairs = most_similar(rows_of(case.x[sample]), src, dst, r)
        assert pairs_in(reduction, sample) == pairs
        assert_merges_and_copies(reduction, later, sample, pairs, "mean")


def test_the_published_checkpoints_of_fifty_steps() -> None:
    scheduler = build_method("ca_tome", {}).scheduler
    phases = [scheduler.plan(step, 50, SITE, ()).phase for step in range(50)]
    matching = [step for step, phase in enumerate(phases) if phase is Phase.MATCH_REDUCE]
    assert matching == [0, 8, 11, 13, 20, 25, 30, 35, 45, 46, 47, 48, 49]
    assert set(phases) == {Phase.MATCH_REDUCE, Phase.REDUCE}


@pytest.mark.parametrize("steps", [1, 2, 4, 7, 20, 28, 100])
def test_any_number_of_steps_begins_with_a_checkpoint_and_reduces_everywhere(steps: int) -> None:
    scheduler = build_method("ca_tome", {}).scheduler
    plans = [scheduler.plan(step, steps, SITE, ()) for step in range(steps)]
    assert plans[0].phase is Phase.MATCH_REDUCE
    assert all(plan.phase.reduces for plan in plans)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("interval", [1, 2, 3])
def test_a_site_merges_by_the_pairs_of_its_last_checkpoint(model: Any, batch: int, interval: int) -> None:
    block = model.transformer_blocks[0]
    attention, drawn = copy.deepcopy(block.attn1), iter(draws(STEPS))
    with tokred.apply(model, "ca_tome", interval=interval), spied(block) as blocks, spied(block.attn1) as calls:
        generate(model, batch)
    for step, ((block_input, _), (x, out)) in enumerate(zip(blocks, calls, strict=True)):
        if step % interval == 0:
            src, dst = next(drawn)
            pairs = [most_similar(rows_of(sample), src, dst, TOKENS // 2) for sample in block_input]
        for sample in range(batch):
            members, rows = groups(pairs[sample], TOKENS), rows_of(x[sample])
            tokens = torch.tensor([merged(rows, group, "mean") for group in members.values()])
            y = dict(zip(members, attention(tokens[None])[0], strict=True))
            expected = torch.stack([y[pairs[sample].get(t, t)] for t in range(TOKENS)])
            torch.testing.assert_close(out[sample], expected)


@pytest.mark.parametrize("interval", [-1, 2.5])
def test_an_interval_that_is_no_number_of_steps_is_refused(interval: Any) -> None:
    with pytest.raises(
        SpecError, match=f"interval={interval} must be a number of steps from one checkpoint to the next"
    ):
        build_method("ca_tome", {"interval": interval})


def test_a_classifier_has_no_steps_to_reuse_pairs_at() -> None:
    with pytest.raises(UnsupportedModel, match="ca_tome reuses correspondences from step to step"):
        tokred.apply(BY_NAME["vit"].model(), "ca_tome")
