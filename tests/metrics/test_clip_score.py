"""CLIPScore by a tiny CLIP of random weights, against its two towers called by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from bench.tiny import TinySubject
from PIL import Image

from tokred.bench import line_up, pipeline_subject, run_bench
from tokred.bench.measures import known_metric, metrics_for
from tokred.errors import SpecError, UnknownName, WeightsError
from tokred.metrics.clip_score import clip_score
from tokred.testing import Case, cases

transformers = pytest.importorskip("transformers")
TEXTS = ["a fox", "a red apple", "the sea"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a CLIP that spells every word."""
    folder = tmp_path_factory.mktemp("clip")
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({token: place for place, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokens = transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    images = transformers.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    transformers.CLIPProcessor(images, tokens).save_pretrained(folder)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = small | {"vocab_size": len(vocabulary), "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    config = transformers.CLIPConfig(
        text_config=text | {"max_position_embeddings": 24},
        vision_config=small | {"image_size": 16, "patch_size": 4},
        projection_dim=8,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = transformers.CLIPModel(config)
    model.text_projection.weight.data.neg_()  # so that cosines are above 0, where the score is cut
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return torch.rand(3, 3, 20, 28, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def by_hand(weights: Path, picture: torch.Tensor, text: str) -> float:
    """100 times the cosine of one picture's and one text's projections, or 0."""
    model = transformers.CLIPModel.from_pretrained(weights)
    processor = transformers.CLIPProcessor.from_pretrained(weights)
    image = Image.fromarray((255 * picture).round().byte().permute(1, 2, 0).numpy())
    given = processor(text=[text], images=[image], return_tensors="pt")
    seen = model.visual_projection(model.vision_model(given["pixel_values"]).pooler_output)[0]
    read = model.text_projection(model.text_model(given["input_ids"]).pooler_output)[0]
    return max(0.0, 100 * float(seen @ read / seen.norm() / read.norm()))


def test_it_is_the_cosine_of_each_picture_and_its_prompt(weights: Path, pictures: torch.Tensor) -> None:
    measure = known_metric(f"clip_score:weights={weights}").load()
    texts = [*TEXTS[:2], TEXTS[0]]
    values = measure(pictures, texts)
    assert values.shape == (3,)
    expected = [by_hand(weights, *each) for each in zip(pictures, texts, strict=True)]
    assert values.tolist() == pytest.approx(expected, abs=0.05)
    other = measure(pictures, TEXTS[::-1])
    assert not torch.allclose(values, other, atol=0.5)


def test_it_keeps_what_every_metric_promises(weights: Path) -> None:
    found = cases([clip_score(str(weights))])
    assert found
    for case in found:
        assert isinstance(case, Case)
        case()


def test_a_bench_has_a_value_of_the_dense_model_too(weights: Path) -> None:
    subject = TinySubject()
    subject.metrics = metrics_for("pictures", ("dense", "prompt"), [f"clip_score:weights={weights}"])
    settings = subject.settings(steps=2, samples=3, pairs=1)
    results = run_bench(subject, line_up(subject, ["fewer_steps:share=0.5"]), settings)
    measure = clip_score(str(weights)).load()
    seeds = list(settings.seeds)
    expected = measure(subject.generate(seeds, 2), subject.prompts(seeds))
    assert results.dense.scores["clip_score"].values == pytest.approx(expected.tolist(), abs=1e-4)
    assert results.rows[0].scores["clip_score"].values != results.dense.scores["clip_score"].values


def test_requests_without_words_are_refused(weights: Path) -> None:
    pipe = TinySubject().model
    named = [f"clip_score:weights={weights}"]
    assert pipeline_subject(pipe, ["a", "b"], metrics=named).prompts([0, 3]) == ["a", "b"]
    with pytest.raises(SpecError, match="compares them with the prompt; here are pictures, and .*: dense. Leave it"):
        pipeline_subject(pipe, [{"class_labels": [1]}], metrics=named)


def test_weights_that_are_missing_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^clip_score needs transformers, and the folder .*: clip_score:weights="):
        known_metric("clip_score").load()
    with pytest.raises(WeightsError, match=r"^clip_score cannot load weights=.*It needs transformers"):
        known_metric(f"clip_score:weights={tmp_path}").load()
    with pytest.raises(UnknownName, match="parameter of metric 'clip_score': 'weight'.*Did you mean 'weights'"):
        known_metric("clip_score:weight=x")
    with pytest.raises(SpecError, match="Metric 'psnr' takes no parameters, and was given peak=2"):
        known_metric("psnr:peak=2")
