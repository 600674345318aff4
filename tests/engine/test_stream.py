"""Tokens that are removed for good: what the blocks compute then, and what is said of it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import pytest
import torch
from families.models import BY_NAME, DIFFUSERS, VITS, Family, blocks_of, sites_of
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import ParallelScalingBlock, ParallelThingsBlock, ResPostBlock, VisionTransformer
from torch import nn
from torch._dynamo.utils import counters
from torch.utils.flop_counter import FlopCounterMode

import tokred
from tokred import (
    Layout,
    Method,
    Phase,
    Plan,
    Reduction,
    Scheduler,
    Similarity,
    SiteInfo,
    SpecError,
    UnsupportedModel,
    parts,
)
from tokred.engine.apply import apply_by
from tokred.interfaces import Match, Memory
from tokred.testing.snapshot import changes, snapshot
from tokred_adapters.vit import VIT as FAMILY

VIT = BY_NAME["vit"]


@dataclass(frozen=True)
class Alternating:
    """Removes the first r tokens, each into the last; notes the layouts it draws for and the features it is given."""

    drawn: list[Layout] = field(default_factory=list)
    seen: list[torch.Tensor] = field(default_factory=list)
    max_ratio: ClassVar[float] = 1.0

    def capacity(self, layout: Layout) -> int:
        return layout.image - 1

    def draw(self, layout: Layout, r: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        self.drawn.append(layout)
        return ()

    def state_spec(self, shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        return {}

    def match(self, features: torch.Tensor, draw: Any, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        self.seen.append(features.clone())
        tokens = features.shape[1]
        src = torch.arange(r).expand(len(features), -1)
        return Reduction.from_pairs(tokens, src, torch.full_like(src, tokens - 1))


@dataclass(frozen=True)
class InSomeBlocks:
    """Reduces by a quarter in the named blocks."""

    depths: tuple[int, ...]
    told: list[SiteInfo] = field(default_factory=list)
    ratio: float = 0.25
    reuses: ClassVar[bool] = False
    skips: ClassVar[bool] = False

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        self.told.append(site)
        return Plan(Phase.MATCH_REDUCE, self.ratio * (site.depth in self.depths))


def shrinking(scheduler: Scheduler | None = None, **changes: Any) -> Method:
    made: dict[str, Any] = {
        "similarity": parts.Cosine(),
        "matcher": Alternating(),
        "scheduler": scheduler or parts.EveryStep(0.25),
        "recovery": parts.Copy(),
        "sites": ("stream",),
    }
    return Method(**made | changes)


def deep(**kwargs: Any) -> VisionTransformer:
    """A ViT of three blocks whose layer scales count."""
    torch.manual_seed(0)
    model = VisionTransformer(
        img_size=16, patch_size=4, embed_dim=24, depth=3, num_heads=2, num_classes=5, init_values=0.5, **kwargs
    )
    return model.eval().requires_grad_(False)


def pictures(batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 3, 16, 16, generator=torch.Generator().manual_seed(3))


def by_hand(model: Any, x: torch.Tensor, counts: Sequence[int], merge: str, weighted: bool) -> torch.Tensor:
    """The model in plain torch, attention written out; each block removes its first tokens into the last."""
    x, lead = model._pos_embed(model.patch_embed(x)), model.num_prefix_tokens
    sizes = torch.ones(x.shape[1])
    for block, r in zip(model.blocks, counts, strict=True):
        attention, normed = block.attn, block.norm1(x)
        q, k, v = attention.qkv(normed).unflatten(2, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
        logits = q @ k.transpose(2, 3) * attention.scale + (sizes.log() if weighted else 0)
        x = x + block.ls1(attention.proj((logits.softmax(dim=3) @ v).transpose(1, 2).flatten(2)))
        if r:
            group = [*range(lead, lead + r), x.shape[1] - 1]
            weights = {"prune": [0.0] * r + [1.0], "mean": [1.0] * (r + 1), "weighted": sizes[group].tolist()}[merge]
            share = torch.tensor(weights)[None, :, None] / sum(weights)
            last = (x[:, group] * share).sum(dim=1, keepdim=True)
            x = torch.cat([x[:, :lead], x[:, lead + r : -1], last], dim=1)
            sizes = torch.cat([sizes[:lead], sizes[lead + r : -1], sizes[group].sum()[None]])
        x = x + block.ls2(block.mlp(block.norm2(x)))
    return model.forward_head(model.norm(x))  # type: ignore[no-any-return]


def test_a_call_knows_nothing_of_the_call_before_it() -> None:
    model, x = deep(), pictures()
    matcher = parts.GridMatcher(penalty=parts.FrequencyPenalty(source=1.0, destination=1.0))
    with tokred.apply(model, shrinking(InSomeBlocks((0,)), matcher=matcher)):
        assert torch.equal(model(x), model(x))


@pytest.mark.parametrize("weighted", [False, True], ids=["kept", "weighted"])
@pytest.mark.parametrize("merge", ["prune", "mean", "weighted"])
@pytest.mark.parametrize(
    ("depths", "counts"), [((0, 1, 2), (4, 3, 2)), ((1,), (0, 4, 0)), ((2,), (0, 0, 4)), ((0, 2), (4, 0, 3))]
)
def test_blocks_compute_what_is_left(
    depths: tuple[int, ...], counts: tuple[int, ...], merge: str, weighted: bool
) -> None:
    model, x = deep(), pictures()
    keys = "weighted" if weighted else "kept"
    method = shrinking(InSomeBlocks(depths), merge=merge, keys=keys)
    with tokred.apply(model, method) as run:
        got = model(x)
        computed = {call.site.name: call.layout.image - call.removed for call in run.report().calls}
    torch.testing.assert_close(got, by_hand(model, x, counts, merge, weighted))
    left = [16, *(16 - sum(counts[: i + 1]) for i in range(3))]
    for depth, (before, after) in enumerate(pairwise(left)):
        assert computed[f"blocks.{depth}.attn"] == before
        assert computed[f"blocks.{depth}.mlp"] == after


def test_each_block_is_told_how_many_tokens_reach_it() -> None:
    matcher, scheduler = Alternating(), InSomeBlocks((0, 2))
    model = deep(class_token=False, global_pool="avg")
    with tokred.apply(model, shrinking(scheduler, matcher=matcher)):
        model(pictures())
    called = [info for info in scheduler.told if info.tokens]  # `apply` asks too, before any call
    assert [info.tokens for info in called] == [16, 12, 12]
    assert [info.kind for info in scheduler.told] == ["stream"] * 6
    assert [layout.grids for layout in matcher.drawn] == [((4, 4),), ((1, 12),)]


@pytest.mark.parametrize("signal", ["input", "block_input", "key"])
def test_signals_are_those_of_the_tokens_that_are_left(signal: Any) -> None:
    model, matcher, seen = deep(), Alternating(), dict[str, list[torch.Tensor]]()
    with tokred.apply(model, shrinking(matcher=matcher, similarity=parts.Cosine(signal))):
        for name in ("norm1", "norm2", "attn.k_norm"):
            module = model.blocks[1].get_submodule(name)
            module.register_forward_hook(lambda _, args, out, name=name: seen.setdefault(name, []).append(args[0]))
        model(pictures())
    lead = model.num_prefix_tokens
    wanted = {"input": seen["norm2"][0], "block_input": seen["norm1"][0], "key": seen["attn.k_norm"][0].mean(dim=1)}
    assert torch.equal(matcher.seen[1], wanted[signal][:, lead:])


def test_kept_tokens_are_named_by_their_places_in_the_picture() -> None:
    model = deep()
    with tokred.apply(model, shrinking()) as run:
        model(pictures())
        kept = run.kept_tokens()
    assert kept == {f"blocks.{i}.mlp": list(range(first, 16)) for i, first in enumerate((4, 7, 9))}


@pytest.mark.parametrize("family", VITS, ids=str)
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_ratio_zero_is_bit_identical(family: Family, model: nn.Module) -> None:
    dense = family.generate(model)
    for keys in ("kept", "weighted"):
        with tokred.apply(model, shrinking(parts.EveryStep(0.0), keys=keys)):
            assert torch.equal(family.generate(model), dense)


@pytest.mark.parametrize("family", VITS, ids=str)
def test_an_error_in_a_half_leaves_no_trace(family: Family, model: nn.Module) -> None:
    before, method = snapshot(model), shrinking(merge="weighted", keys="weighted")
    mlp: Any = sites_of(model, "mlp")[0].module
    with tokred.apply(model, method) as run:
        expected = family.generate(model)
        hook = mlp.fc2.register_forward_hook(fail)
        with pytest.raises(ZeroDivisionError):
            family.generate(model, seed=1)
        hook.remove()
        assert torch.equal(family.generate(model), expected)
        run.remove()
        assert not changes(before, snapshot(model))
        assert not torch.equal(family.generate(model), expected)


def fail(*call: Any) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("family", VITS, ids=str)
def test_the_report_claims_what_torch_counts(family: Family) -> None:
    model = family.model()
    with tokred.apply(model, shrinking(matcher=parts.RandomMatcher())) as run:
        with FlopCounterMode(display=False) as counter:
            family.call(model)
        counts = {name.partition(".")[2]: sum(c.values()) for name, c in counter.get_flop_counts().items()}
        claimed = {call.site.name: call.flops for call in run.report().calls}
    assert set(claimed) == {site.name for kind in ("attn", "mlp") for site in sites_of(model, kind)}
    assert claimed == pytest.approx({name: counts[name] for name in claimed}, rel=0.01)


@pytest.mark.parametrize("keys", ["kept", "weighted"])
def test_blocks_compile(keys: Any) -> None:
    """One graph for each block, since each is given a number of tokens of its own."""
    model = VIT.model()
    with tokred.apply(model, shrinking(matcher=parts.RandomMatcher(), merge="weighted", keys=keys)):
        expected = VIT.generate(model)
        torch._dynamo.reset()
        counters.clear()
        for block in blocks_of(model):
            block.compile(fullgraph=True, backend="eager")
        for _ in range(2):
            torch.testing.assert_close(VIT.generate(model), expected)
            assert counters["stats"]["unique_graphs"] == 2
        torch._dynamo.reset()


def test_gradients_reach_the_weights() -> None:
    model = deep().requires_grad_(True)
    with tokred.apply(model, shrinking(merge="weighted", keys="weighted")):
        model(pictures()).sum().backward()
    assert all(parameter.grad is not None for parameter in model.blocks.parameters())


def test_autocast() -> None:
    model, x = deep(), pictures()
    with tokred.apply(model, shrinking(merge="weighted", keys="weighted")):
        exact = model(x)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = model(x)
    torch.testing.assert_close(rounded.float(), exact, rtol=0.05, atol=0.05)


def test_a_distilled_model_keeps_both_of_its_tokens() -> None:
    torch.manual_seed(0)
    model = VisionTransformerDistilled(
        img_size=16, patch_size=4, embed_dim=24, depth=2, num_heads=2, num_classes=5, init_values=0.5
    ).eval()
    seen: list[torch.Tensor] = []
    model.norm.register_forward_hook(lambda _, args, out: seen.append(args[0]))
    with tokred.apply(model, shrinking()) as run, torch.no_grad():
        model(pictures())
        assert run.report().calls[0].layout == Layout(((4, 4),), prefix=2)
    assert seen[0].shape == (2, 2 + 9, 24)


@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_models_that_need_every_token_are_refused(family: Family, model: nn.Module) -> None:
    with pytest.raises(UnsupportedModel, match="cannot go on with fewer tokens: it needs one for each place"):
        tokred.apply(model, shrinking())


@pytest.mark.parametrize("block", [ParallelThingsBlock, ParallelScalingBlock])
def test_other_blocks_are_refused(block: Any) -> None:
    with pytest.raises(UnsupportedModel, match="blocks"):
        tokred.apply(deep(block_fn=block), shrinking())


def test_one_block_of_another_class_is_enough_to_be_refused() -> None:
    model = deep()
    model.blocks[1] = ResPostBlock(24, num_heads=2)
    with pytest.raises(UnsupportedModel, match="has blocks that are not an attention and an MLP one after the other"):
        tokred.apply(model, shrinking())


@pytest.mark.parametrize("depths", [(0,), (0, 2), (2,), ()])
@pytest.mark.parametrize("pool", ["avg", ""])
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_all_tokens_come_back_after_the_last_block_where_they_are_asked_for(depths: tuple[int, ...], pool: str) -> None:
    model, seen = deep(global_pool=pool), list[torch.Tensor]()
    model.norm.register_forward_hook(lambda _, args, out: seen.append(args[0]))
    with tokred.apply(model, shrinking(InSomeBlocks(depths))) as run:
        model(pictures())
        removed = max(call.removed for call in run.report().calls)
    assert seen[0].shape == (2, 17, 24)
    assert [len(sample.unique(dim=0)) for sample in seen[0]] == [17 - removed] * 2


def test_a_mask_is_refused() -> None:
    model = deep()
    mask = torch.ones(2, 1, 17, 17, dtype=torch.bool)
    with (
        tokred.apply(model, shrinking()),
        pytest.raises(UnsupportedModel, match="was given 'attn_mask', which has a row per token"),
    ):
        model(pictures(), attn_mask=mask)


def test_weighted_keys_need_a_block_that_takes_a_bias() -> None:
    (stack,) = FAMILY.stacks(deep())
    unbiased = dataclasses.replace(stack, halves=dataclasses.replace(stack.halves, bias=None))
    family = dataclasses.replace(FAMILY, stacks=(unbiased,))
    with pytest.raises(SpecError, match="keys='weighted' is not offered at 3 of the chosen sites, such as"):
        apply_by(deep(), shrinking(keys="weighted"), lambda model: family)


def test_a_call_with_a_part_of_the_tokens_is_dense_and_said_to_be() -> None:
    model, x = deep(patch_drop_rate=0.5), pictures()
    model.patch_drop.train()
    with tokred.apply(model, shrinking(keys="weighted")) as run, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model(x)
        report = run.report()
        assert "it was called with a part of the tokens" in str(caught[0].message)
        assert report.unplanned == 3
        run.remove()
