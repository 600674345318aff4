"""ToMe against plain loops written from its description, and against a ViT in plain torch with attention maps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from families.models import BY_NAME, DIFFUSERS, VITS, Family
from plugins.by_loops import Case, Pairs, Row, closest, make_case, match, row_of, rows_of
from seeds import every_seed
from timm.models.deit import VisionTransformerDistilled

import tokred
from tokred import Layout, SiteInfo, SpecError, UnsupportedModel
from tokred.registry import build_method
from tokred_plugins.tome import PerBlock

pytestmark = pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")


def with_prefix(seed: int) -> Case:
    """A case with 0 to 5 tokens before those of the image: class, distilled, registers."""
    case = make_case(seed)
    return replace(case, layout=replace(case.layout, prefix=seed % 6))


def bipartite(rows: list[Row], prefix: int, r: int) -> tuple[Pairs, list[int]]:
    """The pairs among the image tokens, and the order in which the kept ones go on."""
    sources = [t for t in range(len(rows)) if (t + prefix) % 2 == 0]
    destinations = [t for t in range(len(rows)) if (t + prefix) % 2 == 1]
    best = {s: closest(rows, s, destinations) for s in sources}
    pairs = {s: best[s][1] for s in sorted(sources, key=lambda s: -best[s][0])[:r]}
    return pairs, [*(s for s in sources if s not in pairs), *destinations]


def average(rows: list[Row], sizes: list[float], group: list[int]) -> Row:
    """The mean of a group in which each token counts as often as it stands for others."""
    total = sum(sizes[t] for t in group)
    return [sum(sizes[t] * rows[t][c] for t in group) / total for c in range(len(rows[0]))]


@every_seed
def test_every_other_token_is_a_source_and_sizes_weigh(seed: int) -> None:
    case = with_prefix(seed)
    r = case.integer(1, case.layout.image // 2)
    reduction, _ = match(build_method("tome", {}), case, r)
    sizes = torch.randint(1, 9, (len(case.x), case.layout.image), generator=case.generator).float()
    found, summed = reduction.merge(case.x, "weighted", sizes), reduction.pool_sizes(sizes)
    for sample in range(len(case.x)):
        rows, size = rows_of(case.x[sample]), sizes[sample].tolist()
        pairs, order = bipartite(rows, case.layout.prefix, r)
        assert reduction.kept[sample].tolist() == order
        assert reduction.follows[sample].tolist() == [pairs.get(t, t) for t in range(len(rows))]
        groups = [[t, *(s for s, d in pairs.items() if d == t)] for t in order]
        expected = torch.tensor([average(rows, size, group) for group in groups])
        torch.testing.assert_close(found[sample], expected.to(found.dtype))
        assert summed[sample].tolist() == [sum(size[t] for t in group) for group in groups]


@pytest.mark.parametrize("image", [1, 2, 3, 8, 9])
@pytest.mark.parametrize("prefix", [0, 1, 2, 5])
def test_at_most_half_the_tokens_can_go(image: int, prefix: int) -> None:
    matcher = build_method("tome", {}).matcher
    layout = Layout(((1, image),), prefix=prefix)
    src, dst = matcher.draw(layout, 1, torch.Generator())
    assert matcher.capacity(layout) == image // 2 <= len(src)
    assert sorted([*src.tolist(), *dst.tolist()]) == list(range(image))


@pytest.mark.parametrize(
    ("params", "removed"),
    [
        ({"r": 8}, [8, 8, 8, 8, 8]),
        ({"r": 0}, [0, 0, 0, 0, 0]),
        ({"r": 8, "inflect": -1.0}, [16, 12, 8, 4, 0]),
        ({"r": 8, "inflect": 1.0}, [0, 4, 8, 12, 16]),
        ({"r": 5, "inflect": 0.5}, [2, 3, 5, 6, 8]),
        ({"each": (9, 0, 4)}, [9, 0, 4, 0, 0]),
    ],
)
def test_the_number_of_tokens_follows_the_schedule(params: dict[str, Any], removed: list[int]) -> None:
    scheduler = PerBlock(**params)
    assert [scheduler.removed(depth, 5) for depth in range(5)] == removed
    left = 196
    for depth, r in enumerate(removed):
        plan = scheduler.plan(0, 1, SiteInfo("", "stream", depth, 5, row_of(left)), ())
        assert round(plan.ratio * left) == r
        left -= r
    assert scheduler.ratio == (0.5 if any(removed) else 0.0)
    assert PerBlock(7).removed(0, 1) == 7


def test_a_block_removes_no_more_than_half() -> None:
    for tokens in range(1, 40):
        assert (
            round(PerBlock(100).plan(0, 1, SiteInfo("", "stream", 0, 1, row_of(tokens)), ()).ratio * tokens)
            == tokens // 2
        )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"r": -1}, "r=-1 must be an integer of at least 0: the number of tokens that a block removes"),
        ({"r": 2.5}, "r=2.5 must be an integer"),
        ({"each": (4, -2)}, "each=-2 must be an integer of at least 0"),
        ({"inflect": 1.5}, r"inflect=1.5 must be in \[-1, 1\]"),
    ],
)
def test_parameters_out_of_range_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("tome", params)


def plain_vit(model: Any, x: torch.Tensor, r: int, inflect: float, proportional: bool) -> torch.Tensor:
    """ToMe in a ViT, all of it written out: attention maps, log sizes, pairs in loops; one picture at a time."""
    x, lead = model.norm_pre(model._pos_embed(model.patch_embed(x))), model.num_prefix_tokens
    sizes, depth = torch.ones(x.shape[1], dtype=x.dtype), len(model.blocks)
    for i, block in enumerate(model.blocks):
        attention = block.attn
        q, k, v = attention.qkv(block.norm1(x)).unflatten(2, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k = attention.q_norm(q), attention.k_norm(k)
        logits = (q @ k.transpose(2, 3)).float() * attention.scale + (sizes.log() if proportional else 0)
        mixed = (logits.softmax(dim=3).to(x.dtype) @ v).transpose(1, 2).flatten(2)
        x = x + block.ls1(attention.proj(mixed))
        most = int(r * (1 - inflect))
        wanted = int(most + (2 * r - 2 * most) / max(1, depth - 1) * i)
        pairs, order = bipartite(rows_of(k.mean(dim=1)[0, lead:]), lead, min(wanted, (x.shape[1] - lead) // 2))
        groups = [[t] for t in range(lead)]
        groups += [[t + lead, *(s + lead for s, d in pairs.items() if d == t)] for t in order]
        shares = [sizes[group] / sizes[group].sum() for group in groups]
        x = torch.stack([(share[:, None] * x[0, g]).sum(dim=0) for share, g in zip(shares, groups, strict=True)])[None]
        sizes = torch.stack([sizes[group].sum() for group in groups])
        x = x + block.ls2(block.mlp(block.norm2(x)))
    return model.forward_head(model.norm(x))  # type: ignore[no-any-return]


@pytest.mark.parametrize(("r", "inflect"), [(0, 0.0), (3, 0.0), (9, -1.0), (100, 0.0)])
@pytest.mark.parametrize("proportional", [True, False])
@pytest.mark.parametrize("family", VITS, ids=str)
def test_logits_are_those_of_a_vit_in_plain_torch(family: Family, proportional: bool, r: int, inflect: float) -> None:
    model = family.model()
    for batch, grid in ((1, (6, 8)), (3, (5, 7))):
        x = family.arguments(model, seed=batch, batch=batch, grid=grid)["x"]
        with tokred.apply(model, "tome", r=r, inflect=inflect, proportional=proportional), torch.no_grad():
            got = model(x)
        with torch.no_grad():
            expected = torch.cat([plain_vit(model, picture[None], r, inflect, proportional) for picture in x])
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_a_distilled_vit_too() -> None:
    torch.manual_seed(0)
    model = VisionTransformerDistilled(
        img_size=24, patch_size=4, embed_dim=32, depth=3, num_heads=2, num_classes=7, qk_norm=True
    ).eval()
    x = torch.randn(2, 3, 24, 24)
    seen: list[torch.Tensor] = []
    hook = model.norm.register_forward_hook(lambda _, args, out: seen.append(out[:, :2]))
    with tokred.apply(model, "tome", r=5), torch.no_grad():
        model(x)
    hook.remove()
    model.forward_head = lambda x: x[:, :2]
    with torch.no_grad():
        expected = torch.cat([plain_vit(model, picture[None], 5, 0.0, True) for picture in x])
    torch.testing.assert_close(seen[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("family", VITS, ids=str)
def test_nothing_removed_is_bit_identical(family: Family, dtype: torch.dtype) -> None:
    """On models with layer scales and registers too, where the public code is wrong or was not meant for."""
    model = family.model(dtype)
    dense = family.generate(model)
    with tokred.apply(model, "tome", r=0):
        assert torch.equal(family.generate(model), dense)
    with tokred.apply(model, "tome", r=6):
        reduced = family.generate(model)
    assert reduced.isfinite().all()
    assert not torch.equal(reduced, dense)


@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_it_is_refused_where_every_token_is_needed(family: Family) -> None:
    with pytest.raises(UnsupportedModel, match="The model cannot go on with fewer tokens"):
        tokred.apply(family.model(), "tome")


def test_a_pooled_model_counts_each_token_as_often_as_it_stands_for_others() -> None:
    """Then the mean over all places of the picture, each with what stands for it, is the mean by sizes."""
    model: Any = BY_NAME["vit"].model()
    model.global_pool = "avg"
    x = BY_NAME["vit"].arguments(model, seed=0)["x"]
    pooled: list[torch.Tensor] = []
    hook = model.norm.register_forward_hook(lambda _, args, out: pooled.append(args[0]))
    with tokred.apply(model, "tome", r=9) as run, torch.no_grad():
        model(x)
        model.global_pool, site = "token", run._sites[-1]
        assert pooled[0].shape == (2, 49, 32)
        sizes, assign = site.stream.sizes, site.stream.assign
    hook.remove()
    assert sizes.sum(dim=1).tolist() == [48.0, 48.0]
    for sample in range(2):
        counted = torch.bincount(assign[sample], minlength=sizes.shape[1])
        assert torch.equal(counted.float(), sizes[sample])
        for place in range(sizes.shape[1]):
            alike = pooled[0][sample, 1:][assign[sample] == place]
            assert torch.equal(alike, alike[:1].expand_as(alike))
