"""DynamicViT against plain loops written from its description, and the weights that a user brings along."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from families.models import BY_NAME
from plugins.by_loops import Row, make_case, rows_of
from safetensors.torch import load_file, save_file
from seeds import every_seed

import tokred
from tokred import SpecError, read_method, save_method
from tokred.parts import RandomMatcher
from tokred.registry import build_method
from tokred.testing.snapshot import changes, snapshot
from tokred_adapters.tiny.vit import FASHION
from tokred_plugins.dynamicvit import PredictedMatcher, Predictor

WIDTH, STAGES = 5, 3
(HOST,) = FASHION
Weights = dict[str, torch.Tensor]


def random_weights(width: int = WIDTH, stages: int = STAGES, seed: int = 0) -> Weights:
    """The tensors of a predictor for each stage, as they are named in a file."""
    generator = torch.Generator().manual_seed(seed)
    return {
        f"{stage}.{name}": 0.4 * torch.randn(shape, generator=generator)
        for stage in range(stages)
        for name, shape in Predictor().shapes(width).items()
    }


@pytest.fixture
def file(tmp_path: Path) -> str:
    return written(tmp_path / "mine.safetensors", random_weights())


def written(path: Path, weights: Weights) -> str:
    save_file(weights, path)
    return str(path)


def product(weight: torch.Tensor, bias: torch.Tensor, row: Row) -> Row:
    sides = zip(weight.tolist(), bias.tolist(), strict=True)
    return [sum(w * x for w, x in zip(line, row, strict=True)) + b for line, b in sides]


def gelu(row: Row) -> Row:
    return [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in row]


def odds_by_loops(weights: Weights, rows: list[Row]) -> list[float]:
    """The log-odds that each token stays."""

    def of(name: str, row: Row) -> Row:
        return product(weights[f"{name}.weight"].double(), weights[f"{name}.bias"].double(), row)

    def normed(row: Row) -> Row:
        mean = sum(row) / len(row)
        spread = math.sqrt(sum((x - mean) ** 2 for x in row) / len(row) + 1e-5)
        scale, shift = weights["enter.0.weight"].tolist(), weights["enter.0.bias"].tolist()
        return [(x - mean) / spread * a + b for x, a, b in zip(row, scale, shift, strict=True)]

    entered = [gelu(of("enter.1", normed(row))) for row in rows]
    half = (len(rows[0]) + 1) // 2
    mean = [sum(column) / len(rows) for column in zip(*(row[half:] for row in entered), strict=True)]
    left = [of("leave.4", gelu(of("leave.2", gelu(of("leave.0", row[:half] + mean))))) for row in entered]
    return [stay - go for stay, go in left]


@every_seed
def test_kept_tokens_equal_plain_loops(tmp_path: Path, seed: int) -> None:
    case, stage, weights = make_case(seed), seed % STAGES, random_weights(seed=seed)
    matcher = PredictedMatcher(written(tmp_path / "some.safetensors", weights), stage)
    r = case.integer(1, matcher.capacity(case.layout))
    draw = matcher.draw(case.layout, r, case.generator)
    reduction = matcher.match(case.x, draw, r, tokred.parts.Cosine(), {})
    own = {name.partition(".")[2]: tensor for name, tensor in weights.items() if name.startswith(f"{stage}.")}
    for sample in range(len(case.x)):
        odds = odds_by_loops(own, rows_of(case.x[sample]))
        best = sorted(range(len(odds)), key=lambda t: -odds[t])[: len(odds) - r]
        assert reduction.kept[sample].tolist() == sorted(best)


def test_hidden_tokens_count_nothing_in_the_mean() -> None:
    weights = {name: random_weights()[f"0.{name}"] for name in Predictor().shapes(WIDTH)}
    x = torch.randn(2, 9, WIDTH, generator=torch.Generator().manual_seed(1))
    present = torch.tensor([1.0] * 6 + [0.0] * 3).expand(2, -1)
    hidden = Predictor().scores(weights, x, present)[:, :6]
    torch.testing.assert_close(hidden, Predictor().scores(weights, x[:, :6]))


def test_each_stage_keeps_the_best_by_its_own_predictor(tmp_path: Path) -> None:
    """What comes of it equals the model called block by block, its tokens chosen by hand."""
    model, weights = HOST.model(), random_weights(128)
    x = HOST.arguments(model, seed=0)["x"]
    tokens = model.norm_pre(model._pos_embed(model.patch_embed(x)))
    for depth, block in enumerate(model.blocks):
        tokens = tokens + block.attn(block.norm1(tokens))
        if depth:
            own = {name: weights[f"{depth - 1}.{name}"] for name in Predictor().shapes(128)}
            image = tokens[:, 1:]
            best = Predictor().scores(own, image).topk(image.shape[1] // 2, dim=1).indices.sort(dim=1).values
            kept = image.gather(1, best.unsqueeze(2).expand(-1, -1, 128))
            tokens = torch.cat([tokens[:, :1], kept], dim=1)
        tokens = tokens + block.mlp(block.norm2(tokens))
    expected = model.forward_head(model.norm(tokens))
    file = written(tmp_path / "wide.safetensors", weights)
    with tokred.apply(model, "dynamicvit", ratio=0.5, weights=file), torch.no_grad():
        torch.testing.assert_close(model(x), expected)


def test_methods_are_the_same_by_path_and_come_back_from_a_file(tmp_path: Path, file: str) -> None:
    other = written(tmp_path / "other.safetensors", random_weights(seed=1))
    method = build_method("dynamicvit", {"weights": file})
    assert method == build_method("dynamicvit", {"weights": file}) == copy.deepcopy(method)
    assert method != build_method("dynamicvit", {"weights": other})
    assert len({method, build_method("dynamicvit", {"weights": file})}) == 1
    save_method(method, tmp_path / "saved.json")
    assert read_method(tmp_path / "saved.json") == method


def test_weights_of_other_tokens_are_refused_and_nothing_is_changed(file: str) -> None:
    for name, weights in (("vit", "fashion-vit"), ("vit", file), ("dit", None)):
        model = BY_NAME[name].model()
        before = snapshot(model)
        with pytest.raises((SpecError, tokred.UnsupportedModel)) as error:
            tokred.apply(model, "dynamicvit", **({"weights": weights} if weights else {}), stages=(0.0, 0.5, 0.75))
        assert not changes(before, snapshot(model))
        if weights:
            assert "and those at blocks.0.mlp have 32. Give it weights" in str(error.value)


@pytest.mark.parametrize(("width", "message"), [(5, "on tokens of 5 channels, and those at blocks.0.mlp have 128")])
def test_weights_of_another_width_are_refused_by_name(tmp_path: Path, width: int, message: str) -> None:
    model = HOST.model()
    before = snapshot(model)
    file = written(tmp_path / "narrow.safetensors", random_weights(width))
    with pytest.raises(SpecError, match=f"{message}. Give it weights that were trained on this model: .*narrow"):
        tokred.apply(model, "dynamicvit", weights=file)
    assert not changes(before, snapshot(model))


def test_features_of_another_width_than_the_tokens_are_refused_when_matched(file: str) -> None:
    matcher, case = PredictedMatcher(file), make_case(0)
    draw = matcher.draw(case.layout, 2, case.generator)
    with pytest.raises(SpecError, match="is for tokens of 5 channels, and signal='key' gives 4. Use weights that were"):
        matcher.match(case.x[..., :4], draw, 2, tokred.parts.Cosine("key"), {})


def test_a_number_is_no_stages() -> None:
    with pytest.raises(SpecError, match=r"stages=0.5 must be a tuple of numbers"):
        build_method("dynamicvit", {"stages": 0.5})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none.safetensors"), "emoji-dit", "fashion-vit.bin"):
        with pytest.raises(SpecError, match="cannot be read: .* or a model that comes with them: fashion-vit"):
            build_method("dynamicvit", {"weights": name})


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("weights")
    with pytest.raises(SpecError, match=r"weights='.*text.safetensors' cannot be read: .* Name a .safetensors file"):
        build_method("dynamicvit", {"weights": str(tmp_path / "text.safetensors")})


def without(weights: Weights, name: str) -> Weights:
    return {key: tensor for key, tensor in weights.items() if key != name}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({}, r"must hold tensors named STAGE.NAME, .*It begins names with: nothing"),
        ({"enter.weight": torch.ones(2)}, "It begins names with: enter"),
        (random_weights(stages=1) | {"2.x": torch.ones(2)}, "stages counted from 0.*It begins names with: 0, 2"),
        (without(random_weights(), "1.leave.4.bias"), r"stage 1: 'leave.4.bias' must be \(2,\), and is missing"),
        (without(random_weights(), "1.enter.0.weight"), r"stage 1: .* must be .*Use a file that was trained"),
        (
            random_weights() | {"1.enter.0.weight": torch.tensor(5.0)},
            r"stage 1: .* must be .*Use a file that was trained",
        ),
        (random_weights() | {"2.more": torch.ones(2)}, r"stage 2: 'more' must be left out, and is \(2,\)"),
        (
            random_weights() | {"0.leave.4.weight": torch.ones(3, 1)},
            r"'leave.4.weight' must be \(2, 1\), and is \(3, 1\)",
        ),
    ],
)
def test_tensors_of_something_else_are_refused(tmp_path: Path, weights: Weights, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build_method("dynamicvit", {"weights": written(tmp_path / "wrong.safetensors", weights)})


@pytest.mark.parametrize("stages", [(0.5,), (0.2, 0.4, 0.6, 0.8)])
def test_another_number_of_stages_is_refused(file: str, stages: tuple[float, ...]) -> None:
    with pytest.raises(
        SpecError, match=f"are {len(stages)}, and weights=.* holds predictors for 3. Name as many blocks"
    ):
        build_method("dynamicvit", {"weights": file, "stages": stages})


@pytest.mark.parametrize("stage", [-1, 3, True, 0.5])
def test_a_stage_that_is_not_in_the_file_is_refused(file: str, stage: Any) -> None:
    with pytest.raises(SpecError, match="must be an integer from 0 to 2: weights=.* holds scorers for 3 stages"):
        PredictedMatcher(file, stage)


def test_another_matcher_may_match_by_the_scores(file: str) -> None:
    matcher = PredictedMatcher(file, matcher=RandomMatcher())
    case = make_case(0)
    draw = matcher.draw(case.layout, 3, case.generator)
    assert matcher.match(case.x, draw, 3, tokred.parts.Cosine(), {}).computed == case.layout.image - 3


def test_the_weights_that_come_along_are_for_fashion_vit() -> None:
    (model,) = [model for model in tokred.zoo.zoo_models() if "scorers.safetensors" in model.files.sha256]
    assert model.name == "fashion-vit"
    tensors = load_file(model.folder / "scorers.safetensors")
    assert len(tensors["0.enter.0.weight"]) == model.config["embed_dim"]
