"""KFF against plain loops written from its description."""

from __future__ import annotations

import pytest
import torch
from families.models import VITS, Family
from plugins.by_loops import cosine, groups, make_case, match, most_similar, pairs_in, rows_of
from seeds import every_seed

import tokred
from tokred import Layout, Method, parts
from tokred.registry import build_method


@every_seed
def test_groups_are_averaged_by_similarity(seed: int) -> None:
    case, method = make_case(seed), build_method("kff", {})
    tokens = case.layout.image
    r = case.integer(1, method.matcher.capacity(case.layout))
    sizes = torch.randint(1, 5, (len(case.x), tokens), generator=case.generator).float()
    reduction, _ = match(method, case, r)
    plain, sized = reduction.merge(case.x, "weighted"), reduction.merge(case.x, "weighted", sizes)
    for sample in range(len(case.x)):
        rows = rows_of(case.x[sample])
        pairs = most_similar(rows, list(range(0, tokens, 2)), list(range(1, tokens, 2)), r)
        assert pairs_in(reduction, sample) == pairs
        members = groups(pairs, tokens)
        for place, token in enumerate(reduction.kept[sample].tolist()):
            alike = [1.0 if t == token else max(0.0, cosine(rows[t], rows[token])) for t in members[token]]
            for merged, count in ((plain, [1.0] * tokens), (sized, sizes[sample].tolist())):
                weights = [a * count[t] for a, t in zip(alike, members[token], strict=True)]
                mean = [
                    sum(w * rows[t][c] for w, t in zip(weights, members[token], strict=True)) / sum(weights)
                    for c in range(5)
                ]
                torch.testing.assert_close(merged[sample, place], torch.tensor(mean).to(merged.dtype))


@pytest.mark.parametrize("sites", ["mlp", "stream"])
@pytest.mark.parametrize("family", VITS, ids=str)
def test_keys_and_input_are_compared_half_and_half(family: Family, sites: str) -> None:
    model = family.model()
    seen: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

    def note(name: str, module: torch.nn.Module) -> torch.utils.hooks.RemovableHandle:
        def see(_: torch.nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
            seen[name] = (args[0], out)

        return module.register_forward_hook(see)

    block = model.blocks[0]
    handles = [note("k", block.attn.k_norm), note("norm2", block.norm2)]
    family.generate(model)
    for handle in handles:
        handle.remove()
    image = family.grid[0] * family.grid[1]
    keys = seen["k"][1].mean(dim=1)[:, -image:]
    tokens = seen["norm2"][0 if sites == "stream" else 1][:, -image:]
    cosines = [torch.nn.functional.cosine_similarity(x[:, :, None], x[:, None], dim=3) for x in (keys, tokens)]

    class Recorder(parts.RandomMatcher):
        features: torch.Tensor | None = None

        def match(self, features, draw, r, similarity, memory):  # type: ignore[no-untyped-def]
            if Recorder.features is None:
                Recorder.features = features
            return super().match(features, draw, r, similarity, memory)

    method = Method(
        similarity=parts.Cosine("key+input"),
        matcher=Recorder(),
        scheduler=parts.EveryStep(0.5),
        recovery=parts.Copy(),
        sites=(sites,),  # type: ignore[arg-type]
    )
    with tokred.apply(model, method):
        family.generate(model)
    assert Recorder.features is not None
    found = method.similarity.scores(Recorder.features, Recorder.features)
    torch.testing.assert_close(found, (cosines[0] + cosines[1]) / 2, rtol=1e-4, atol=1e-5)


def test_a_token_that_is_not_a_number_stays_in_its_sample() -> None:
    method, case = build_method("kff", {}), make_case(1)
    clean, _ = match(method, case, 10)
    case.x[0, 5] = float("nan")
    reduction, _ = match(method, case, 10)
    assert torch.equal(reduction.weights[1], clean.weights[1])
    assert reduction.weights.isfinite().all()


@pytest.mark.parametrize("grid", [(1, 7), (2, 2), (3, 5)])
def test_half_the_tokens_can_be_removed(grid: tuple[int, int]) -> None:
    assert build_method("kff", {}).matcher.capacity(Layout((grid,))) == grid[0] * grid[1] // 2
