"""RAS against plain loops, and against a transformer that is run by hand on some tokens only."""

from __future__ import annotations

import copy
import math
import statistics
from typing import Any

import pytest
import torch
from diffusers import DiTTransformer2DModel
from families.models import BY_NAME, DIFFUSERS, Family
from plugins.by_loops import SITE, make_case
from seeds import every_seed
from torch import nn
from torch.nn.functional import scaled_dot_product_attention, silu

import tokred
from tokred import Phase, SpecError, UnsupportedModel
from tokred.parts import Cosine
from tokred.registry import build_method
from tokred_plugins.ras import RegionMatcher

STEPS, SIDE = 7, 6
PARAMS = {"ratio": 0.5, "dense_first": 2, "resets": (5 / 7,)}
DENSE_STEPS = (0, 1, 5)


def varies(token: list[float], pixels: int) -> float:
    """The mean over a token's pixels of the standard deviation over the channels of each."""
    return sum(statistics.pstdev(token[pixel::pixels]) for pixel in range(pixels)) / pixels


def skipped_by_loops(spread: list[float], times: list[int], r: int, params: dict[str, Any]) -> list[int]:
    """The r tokens that vary most, or least, where what was skipped before counts more; earlier ones win ties."""
    scores = [value * math.exp(params["starvation"] * t) for value, t in zip(spread, times, strict=True)]
    sign = -1 if params["skip"] == "highest" else 1
    return sorted(range(len(spread)), key=lambda t: sign * scores[t])[:r]


@every_seed
def test_three_matches_in_a_row_equal_plain_loops(seed: int) -> None:
    case = make_case(seed)
    params = {
        "skip": ("highest", "lowest")[seed % 2],
        "starvation": (0.1, 0.0, -0.5)[seed % 3],
    }
    matcher, tokens = RegionMatcher(**params), case.layout.image
    memory = {name: torch.zeros(shape) for name, shape in matcher.state_spec((len(case.x), tokens)).items()}
    times = [[0] * tokens for _ in case.x]
    for _ in range(3):
        x = torch.rand(len(case.x), tokens, 1, generator=case.generator).to(case.x.dtype)
        r = case.integer(1, matcher.capacity(case.layout))
        reduction = matcher.match(x, matcher.draw(case.layout, r, case.generator), r, Cosine(), memory)
        for sample in range(len(x)):
            skipped = skipped_by_loops(x[sample, :, 0].tolist(), times[sample], r, params)
            assert reduction.kept[sample].tolist() == [t for t in range(tokens) if t not in skipped]
            times[sample] = [count + (t in skipped) for t, count in enumerate(times[sample])]
            assert memory["skipped"][sample].tolist() == times[sample]


def dit(patch: int) -> DiTTransformer2DModel:
    torch.manual_seed(0)
    model = DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=3,
        out_channels=3,
        num_layers=2,
        sample_size=patch * SIDE,
        patch_size=patch,
        num_embeds_ada_norm=2,
    )
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    return model.eval()


def on_some_tokens(
    model: Any, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor, kept: list[int], cache: list[torch.Tensor]
) -> torch.Tensor:
    """Run a DiT on the `kept` tokens of one picture `[1, 3, H, W]`; `cache` holds each block's keys and values of all.

    Returns what it makes of these tokens, `[K, P, P, 3]`: rows, columns and channels of their pixels.
    """
    h = model.pos_embed(x)[:, kept]
    for block, kv in zip(model.transformer_blocks, cache, strict=True):
        norm, gate, shift, scale, gate_mlp = block.norm1(h, t, label, hidden_dtype=h.dtype)
        attention = block.attn1
        kv[0, :, kept] = attention.to_k(norm)
        kv[1, :, kept] = attention.to_v(norm)
        q, k, v = (part.unflatten(2, (2, 8)).transpose(1, 2) for part in (attention.to_q(norm), kv[0], kv[1]))
        attended = scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        h = h + gate[:, None] * attention.to_out[0](attended)
        h = h + gate_mlp[:, None] * block.ff(block.norm3(h) * (1 + scale[:, None]) + shift[:, None])
    conditioning = model.transformer_blocks[0].norm1.emb(t, label, hidden_dtype=h.dtype)
    shift, scale = model.proj_out_1(silu(conditioning)).chunk(2, dim=1)
    out = model.proj_out_2(model.norm_out(h) * (1 + scale[:, None]) + shift[:, None])
    patch = model.config.patch_size
    return out[0].view(len(kept), patch, patch, 3)


def generate_by_hand(model: Any, x: torch.Tensor, label: torch.Tensor) -> list[torch.Tensor]:
    """Generate one picture `[1, 3, H, W]` as RAS does; what the model is taken to return at each step."""
    tokens, patch = SIDE * SIDE, model.config.patch_size
    places = [(y, z) for y in range(patch) for z in range(patch)]
    cache = [torch.zeros(2, 1, tokens, 16) for _ in model.transformer_blocks]
    noise, times, returned = torch.zeros(tokens, patch, patch, 3), [0] * tokens, []
    for step in range(STEPS):
        kept = list(range(tokens))
        if step not in DENSE_STEPS:
            rows = [[float(noise[t, y, z, c]) for c in range(3) for y, z in places] for t in range(tokens)]
            spread, params = [varies(row, len(places)) for row in rows], {"skip": "highest", "starvation": 0.1}
            skipped = skipped_by_loops(spread, times, tokens // 2, params)
            times = [count + (t in skipped) for t, count in enumerate(times)]
            kept = [t for t in range(tokens) if t not in skipped]
        noise[kept] = on_some_tokens(model, x, torch.tensor([900 - 100 * step]), label, kept, cache)
        picture = torch.zeros_like(x)
        for t in range(tokens):
            for y, z in places:
                picture[0, :, t // SIDE * patch + y, t % SIDE * patch + z] = noise[t, y, z]
        returned.append(picture)
        x = x - 0.2 * picture
    return returned


@pytest.mark.parametrize(("batch", "patch"), [(1, 2), (3, 2), (1, 4), (2, 1)])
@torch.no_grad()
def test_it_equals_a_model_that_is_run_on_the_remaining_tokens_alone(batch: int, patch: int) -> None:
    model = dit(patch)
    untouched = copy.deepcopy(model)
    start = torch.randn(batch, 3, patch * SIDE, patch * SIDE, generator=torch.Generator().manual_seed(1))
    label = torch.arange(batch) % 2
    x, returned = start, []
    with tokred.apply(model, "ras", **PARAMS) as run:
        for step in range(STEPS):
            with tokred.step(step, STEPS):
                returned.append(model(x, timestep=torch.tensor([900 - 100 * step]), class_labels=label).sample)
            x = x - 0.2 * returned[-1]
        assert {c.position.step for c in run.report().calls if not c.removed} == set(DENSE_STEPS)
    for sample in range(batch):
        expected = generate_by_hand(untouched, start[sample : sample + 1], label[sample : sample + 1])
        for made, by_hand in zip(returned, expected, strict=True):
            torch.testing.assert_close(made[sample : sample + 1], by_hand, rtol=1e-4, atol=1e-4)


def rows_of(output: torch.Tensor) -> torch.Tensor:
    """What a model returned, with a row per token."""
    return nn.functional.unfold(output, 2, stride=2).transpose(1, 2) if output.ndim == 4 else output


@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_skipped_tokens_keep_what_the_model_returned_for_them_last(family: Family) -> None:
    """They are the same at every site."""
    model, returned = family.model(), list[torch.Tensor]()
    hook = model.register_forward_hook(lambda _, args, out: returned.append(rows_of(out[0])))
    with tokred.apply(model, "ras", ratio=0.6, dense_first=1, resets=()) as run:
        family.generate(model, steps=4)
        kept = run.kept_tokens()
    hook.remove()
    sets = {tuple(tokens) for tokens in kept.values()}
    assert len(sets) == 1
    for t in range(family.grid[0] * family.grid[1]):
        same = torch.equal(returned[-1][0, t], returned[-2][0, t])
        assert same != (t in next(iter(sets)))


def test_the_published_dense_steps() -> None:
    scheduler = build_method("ras", {}).scheduler
    plans = [scheduler.plan(step, 28, SITE, ()) for step in range(28)]
    assert [step for step, plan in enumerate(plans) if plan.phase is Phase.DENSE] == [0, 1, 2, 3, 12, 22]
    assert {(plan.phase, plan.ratio) for plan in plans} == {(Phase.DENSE, 0.0), (Phase.MATCH_REDUCE, 0.5)}


def test_a_branch_that_begins_late_begins_densely() -> None:
    family = BY_NAME["sd3"]
    model = family.model()
    arguments = family.arguments(model, 0)
    with tokred.apply(model, "ras", dense_first=1, resets=()) as run, torch.no_grad():
        for step in range(4):
            for branch in ("cond", "uncond") if step > 1 else ("cond",):
                with tokred.step(step, 4, branch):
                    family.run(model, arguments)
        phases = {(c.position.branch, c.position.step): c.phase.value for c in run.report().calls}
    assert [phases["cond", step] for step in range(4)] == ["dense", *["match+reduce"] * 3]
    assert [phases["uncond", step] for step in (2, 3)] == ["dense", "match+reduce"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ratio": 1.0}, r"ratio=1.0 must be a number in \[0, 1\)"),
        ({"dense_first": 0}, "dense_first=0 must be an integer of at least 1: the number of dense steps at the start"),
        ({"resets": (0.5, 1.0)}, r"resets=\(0.5, 1.0\) must be a tuple of shares of the generation in \[0, 1\)"),
        ({"resets": 0.5}, "resets=0.5 must be a tuple of shares"),
        ({"skip": "most"}, "skip='most' is not known. Allowed: highest, lowest"),
        ({"starvation": math.nan}, "starvation=nan must be a finite number; 0 does not count what was skipped"),
    ],
)
def test_parameters_outside_the_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("ras", params)


def test_a_classifier_returns_nothing_to_go_by() -> None:
    with pytest.raises(UnsupportedModel, match="ras reuses correspondences from step to step"):
        tokred.apply(BY_NAME["vit"].model(), "ras")
