"""One match for several sites: who makes it, and that the others use it in the same call."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
import torch
from families.models import BY_NAME, DIFFUSERS, Family, layout_of, sites_of
from torch import nn

import tokred
from tokred import Layout, Method, Phase, Plan, Reduction, Similarity, SiteInfo, SpecError, parts
from tokred.engine import rows, tables
from tokred.engine.sharing import MatchGroup
from tokred.interfaces import DENSE, Draw, Match, Memory

DIT, SD3, FLUX = (BY_NAME[name] for name in ("dit", "sd3", "flux"))
STEPS = 3


@dataclass(frozen=True)
class Noting(parts.GridMatcher):
    """Notes what it matches by."""

    seen: list[torch.Tensor] = field(default_factory=list)

    def match(self, features: torch.Tensor, draw: Draw, r: int, similarity: Similarity, memory: Memory) -> Reduction:
        self.seen.append(features.clone())
        return super().match(features, draw, r, similarity, memory)


def sharing(share: int, **changed: Any) -> Method:
    chosen: dict[str, Any] = {
        "similarity": parts.Cosine("output"),
        "matcher": Noting(),
        "scheduler": parts.Interval(0.5),
        "recovery": parts.Copy(),
        "sites": ("attn", "mlp"),
    }
    return Method(**chosen | changed, share=share)


def groups(run: tokred.Run) -> list[list[str]]:
    return [group.names for group in dict.fromkeys(site.group for site in run._sites)]


BLOCKS = [[f"transformer_blocks.{i}.{module}" for module in ("attn", "ff")] for i in range(2)]
SINGLE = [[f"single_transformer_blocks.{i}"] for i in range(2)]


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0, [[name] for block in [*BLOCKS, *SINGLE] for name in block]),
        (1, [*BLOCKS, *SINGLE]),
        (2, [[*BLOCKS[0], *BLOCKS[1]], [*SINGLE[0], *SINGLE[1]]]),
        (100, [[*BLOCKS[0], *BLOCKS[1]], [*SINGLE[0], *SINGLE[1]]]),
    ],
)
def test_neighbouring_blocks_of_one_type_share(share: int, expected: list[list[str]]) -> None:
    with tokred.apply(FLUX.model(), sharing(share)) as run:
        assert groups(run) == expected


@pytest.mark.parametrize("share", [1, 2])
@pytest.mark.parametrize("family", [DIT, BY_NAME["pixart"]], ids=str)
def test_the_first_site_matches_by_its_own_output(family: Family, model: nn.Module, share: int) -> None:
    first = [site.module for site in sites_of(model, "attn")][::share]
    outputs: list[torch.Tensor] = []
    hooks = [module.register_forward_hook(lambda _, args, out: outputs.append(out)) for module in first]
    family.generate(model, steps=1)
    for hook in hooks:
        hook.remove()
    method = sharing(share)
    with tokred.apply(model, method):
        family.generate(model, steps=STEPS)
    assert len(method.matcher.seen) == 2 * len(first), "steps 0 and 2 match"
    assert all(torch.equal(a, b) for a, b in zip(method.matcher.seen, outputs, strict=False))


@pytest.mark.parametrize("scheduler", [parts.Interval(0.5), parts.EveryStep(0.5)], ids=["dense", "reducing"])
@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_all_keep_the_same_tokens(family: Family, model: nn.Module, scheduler: Any) -> None:
    kept = {}
    for share in (0, 100):
        with tokred.apply(model, sharing(share, similarity=parts.Cosine("input"), scheduler=scheduler)) as run:
            family.generate(model, steps=STEPS)
            kept[share] = {str(tokens) for tokens in run.kept_tokens().values()}
            assert len(run.kept_tokens()) == len(run.sites)
            assert {call.removed > 0 for call in run.report().calls if call.position.step == 1} == {True}
            types = len(groups(run))
    assert len(kept[100]) == types < len(kept[0])


@pytest.mark.parametrize("family", [DIT, SD3, FLUX], ids=str)
def test_a_block_with_one_site_has_nobody_to_share_with(family: Family, model: nn.Module) -> None:
    generated = []
    for share in (0, 1):
        with tokred.apply(model, sharing(share, sites=("attn",))):
            generated.append(family.generate(model, steps=STEPS))
    assert torch.equal(*generated)


@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
@pytest.mark.parametrize("family", DIFFUSERS, ids=str)
def test_a_ratio_of_zero_changes_no_bit(family: Family, model: nn.Module) -> None:
    dense = family.generate(model)
    with tokred.apply(model, "delta", ratio=0.0, share=2, keys="kept", gain="fitted"):
        assert torch.equal(family.generate(model), dense)


def test_an_oracle_calls_only_the_first_site_twice() -> None:
    model, calls = DIT.model(), Counter()
    block = model.transformer_blocks[0]
    for name, module in (("attn1", block.attn1.to_q), ("ff", block.ff.net[0])):
        module.register_forward_pre_hook(lambda _, args, name=name: calls.update([name]))
    with tokred.apply(model, sharing(1, scheduler=parts.Oracle(parts.Interval(0.5)))) as run:
        DIT.generate(model, steps=2)
        report = run.report()
    assert (calls["attn1"], calls["ff"]) == (3, 2)
    phases = {call.site.name: call.phase for call in report.calls if call.position.step == 1}
    assert [phases[f"transformer_blocks.0.{name}"] for name in ("attn1", "ff")] == [Phase.ORACLE, Phase.MATCH_REDUCE]
    reduced = [call for call in report.calls if call.phase is Phase.MATCH_REDUCE]
    assert all(call.flops < call.dense_flops for call in reduced)
    assert len(reduced) == 2


@dataclass(frozen=True)
class ByKind:
    """Plans by the kind of site: at every second step a match, else a reduction."""

    plans: dict[str, float]
    reuses: ClassVar[bool] = True
    skips: ClassVar[bool] = False

    @property
    def ratio(self) -> float:
        return max(self.plans.values())

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        return (
            Plan(Phase.REDUCE if step % 2 else Phase.MATCH, self.plans[site.kind]) if self.plans[site.kind] else DENSE
        )


def test_the_first_site_that_matches_makes_the_match() -> None:
    method, model = sharing(2, scheduler=ByKind({"attn": 0.0, "mlp": 0.5})), DIT.model()
    outputs: list[torch.Tensor] = []
    hook = model.transformer_blocks[0].ff.register_forward_hook(lambda _, args, out: outputs.append(out))
    DIT.generate(model, steps=1)
    hook.remove()
    with tokred.apply(model, method) as run:
        DIT.generate(model, steps=2)
        assert list(run.kept_tokens()) == [f"transformer_blocks.{i}.ff" for i in range(2)]
    assert len(method.matcher.seen) == 1
    assert torch.equal(method.matcher.seen[0], outputs[0])


@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_plans_that_differ_are_refused() -> None:
    model = DIT.model()
    dense = DIT.generate(model)
    said = (
        r"share=2 has transformer_blocks.0.attn1, transformer_blocks.0.ff, transformer_blocks.1.attn1 share one match, "
        r"and ByKind.* plans it differently for transformer_blocks.0.ff .* one ratio and one matcher .* use share=0"
    )
    with (
        tokred.apply(model, sharing(2, scheduler=ByKind({"attn": 0.25, "mlp": 0.5}))),
        pytest.raises(SpecError, match=said),
    ):
        DIT.generate(model)
    assert torch.equal(DIT.generate(model), dense)
    with tokred.apply(model, sharing(0, scheduler=ByKind({"attn": 0.25, "mlp": 0.5}))):
        DIT.generate(model)


@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_without_the_call_that_makes_the_match_the_others_run_dense() -> None:
    model = DIT.model()
    with tokred.apply(model, sharing(2)) as run:
        model.transformer_blocks = model.transformer_blocks[1:]
        with pytest.warns(UserWarning, match="runs dense: the site that should have made its match was not called"):
            generated = DIT.generate(model, steps=2)
        assert not any(call.removed for call in run.report().calls)
        run.remove()
    assert torch.equal(generated, DIT.generate(model, steps=2))


@pytest.mark.parametrize("family", [DIT, FLUX], ids=str)
def test_a_group_has_one_memory(family: Family, model: nn.Module) -> None:
    counting = Noting(penalty=parts.FrequencyPenalty(0.1))
    with tokred.apply(model, sharing(2, matcher=counting)) as run:
        layout = layout_of(model, family.arguments(model, 0))
        family.generate(model, steps=STEPS)
        held = [match.memory for group in {s.group for s in run._sites} for match in group.states.values()]
        assert len(held) == len(groups(run))
        assert run.memory(2, layout) == sum(tensor.nbytes for memory in held for tensor in memory.values()) > 0


def test_samples_share_where_one_of_the_sites_cannot_tell_them_apart() -> None:
    site = sites_of(DIT.model(), "attn")[0]
    apart, together = (
        MatchGroup([site, site]),
        MatchGroup([site, dataclasses.replace(site, travel=dataclasses.replace(site.travel, shared=True))]),
    )
    assert (apart.rows(3), together.rows(3), together.rows(0)) == (3, 1, 0)


def test_a_match_is_another_for_another_batch_or_layout() -> None:
    group, layout = MatchGroup(sites_of(DIT.model(), "attn")), Layout(((4, 4),))
    first = group.state("cond", 2, layout)
    assert group.state("cond", 2, Layout(((4, 4),))) is first
    assert group.state("uncond", 2, layout) is not first
    assert group.state("cond", 3, layout) is not first
    assert group.state("cond", 2, layout) is not first, "it does not come back"


@pytest.mark.parametrize("share", [-1, 1.0, True, "block"])
def test_a_share_that_is_no_number_of_blocks_is_refused(share: Any) -> None:
    said = f"share={share!r} must be an integer of at least 0: the number of neighbouring blocks that share one match"
    with pytest.raises(SpecError, match=said):
        sharing(share)


def test_rotary_tables_are_gathered_once_for_all_that_keep_the_same_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    model, gathered, held = FLUX.model(), Counter(), []
    original = rows._tensor
    monkeypatch.setattr(rows, "_tensor", lambda *args: gathered.update([pictures]) or original(*args))
    drawn = []
    for pictures in ("kept", "once", "each"):
        if pictures != "kept":
            monkeypatch.setattr(tables, "MOST_BYTES", 0)
        with tokred.apply(model, sharing(100)) as run:
            if pictures == "each":
                for site in run._sites:
                    site.group.taken = None
            drawn.append(FLUX.generate(model, steps=STEPS))
            held += [site.group.taken for site in run._sites]
    assert all(torch.equal(drawn[0], other) for other in drawn[1:])
    assert gathered == {"once": 2 * 2, "each": 2 * 4}, "cosines and sines of two groups, and of four blocks; none again"
    assert not any(held), "nothing is held from call to call"
