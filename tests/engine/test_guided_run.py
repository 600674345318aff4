"""A guided interval at work: what is measured is what the model's own outputs say."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from diffusers import DiTTransformer2DModel
from torch import nn

import tokred
from tokred import parts
from tokred.pmr import pair_match_ratio

STEPS = 12


@pytest.fixture
def model() -> DiTTransformer2DModel:
    torch.manual_seed(0)
    shape = {"num_attention_heads": 2, "attention_head_dim": 8, "in_channels": 2, "num_layers": 2}
    model = DiTTransformer2DModel(**shape, sample_size=12, patch_size=2, num_embeds_ada_norm=2)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    return model.eval()


@torch.no_grad()
def generate(model: nn.Module, branches: tuple[str, ...] = ("both",)) -> None:
    """Call the model with slowly changing pictures."""
    first, last = torch.randn(2, 2, 2, 12, 12, generator=torch.Generator().manual_seed(1))
    for index in range(STEPS):
        x = torch.lerp(first, last, index / STEPS)
        for branch in branches:
            with tokred.step(index, STEPS, branch):
                model(x, timestep=torch.tensor([999 - 80 * index]), class_labels=torch.tensor([0, 1]))


def guided(**settings: float) -> tokred.Method:
    return tokred.Method(
        similarity=parts.Cosine("output"),
        matcher=parts.GridMatcher(),
        scheduler=parts.GuidedInterval(0.5, **settings),  # type: ignore[arg-type]
        recovery=parts.Copy(),
        sites=("attn", "mlp"),
    )


@pytest.mark.parametrize("share", [0, 1])
def test_ratio_is_that_of_both_dense_outputs_over_the_same_destinations(
    model: DiTTransformer2DModel, share: int
) -> None:
    outputs: dict[str, list[torch.Tensor]] = {}
    for name, module in model.named_modules():
        if name.endswith(".attn1") or (name.endswith(".ff") and not share):
            outputs[name] = []
            module.register_forward_hook(lambda _, args, out, name=name: outputs[name].append(out))
    with tokred.apply(model, dataclasses.replace(guided(shortest=3, longest=3), share=share)) as run:
        generate(model)
        report = run.report()
    assert [match.step for match in report.matches] == [0, 3, 6, 9]
    assert [match.pmr is None for match in report.matches] == [True, False, True, False]  # every second is drawn anew
    matcher, expected = parts.GridMatcher(), []
    generator = torch.Generator().manual_seed(0)
    for _, seen in outputs.items():
        draw = matcher.draw(tokred.Layout(((6, 6),)), 18, generator)
        before, after = (matcher.match(output, draw, 18, parts.Cosine(), {}) for output in (seen[0], seen[3]))
        expected.append(pair_match_ratio(before, after).mean().item())
    assert report.matches[1].pmr == pytest.approx(sum(expected) / len(expected))


def test_interval_follows_what_was_seen(model: DiTTransformer2DModel) -> None:
    with tokred.apply(model, guided(threshold=0.01, longest=6)) as run:
        generate(model)
        loose = run.report()
    with tokred.apply(model, guided(threshold=0.99, longest=6)) as run:
        generate(model)
        strict = run.report()
    assert len(loose.matches) < len(strict.matches) == 6
    assert loose.compute < strict.compute
    assert f"{strict.matches[1].pmr:.2f} at 2" in str(strict)
    assert strict.to_dict()["matches"][1] == {"step": 2, "pmr": strict.matches[1].pmr}


def test_branches_share_one_schedule_and_their_ratios(model: DiTTransformer2DModel) -> None:
    with tokred.apply(model, guided()) as run:
        generate(model)
        one = run.report()
        generate(model, branches=("cond", "uncond"))
        two = run.report()
    assert [match.step for match in two.matches] == [match.step for match in one.matches]  # both see the same pictures
    for before, after in zip(one.matches, two.matches, strict=True):
        assert after.pmr == (None if before.pmr is None else pytest.approx(before.pmr))
    assert len(two.calls) == 2 * len(one.calls)


def test_a_second_generation_starts_from_nothing(model: DiTTransformer2DModel) -> None:
    penalised = parts.GridMatcher(penalty=parts.FrequencyPenalty(source=0.5, destination=0.2))
    method = guided()
    with tokred.apply(model, dataclasses.replace(method, matcher=penalised)) as run:
        generate(model)
        first, kept = run.report().matches, run.kept_tokens()
        generate(model)
        assert (run.report().matches, run.kept_tokens()) == (first, kept)
