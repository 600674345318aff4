"""Models of one's own, saved and named on the command line, have the rows that they have in Python, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from bench.tiny_saved import PIPELINES, SMALL
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from tokred.bench import Results, line_up, pipeline_subject, run_bench, vision_subject
from tokred.bench.result_file import read_results
from tokred.bench.subject import Subject
from tokred.bench.vision_models import timm_vision
from tokred.cli.app import app
from tokred.zoo.catalog import find_model
from tokred.zoo.load import load
from tokred.zoo.spread import asked

TIMM = "vit_tiny_patch16_224"
TINY = {"hidden_size": 32, "image_size": 32, "patch_size": 4, **SMALL}
Tokred = Callable[..., Any]


def values(results: Results) -> dict[str, Any]:
    """What does not depend on time."""
    rows = {row.label: (row.compute, row.site_compute, row.identical, row.scores) for row in results.rows}
    return rows | {"dense": (results.dense.flops, results.dense.scores)}


def measured(subject: Subject, *methods: str, **settings: Any) -> dict[str, Any]:
    return values(run_bench(subject, line_up(subject, methods), subject.settings(pairs=1, **settings)))


def commanded(tokred: Tokred, out: Path, *methods: str, **options: Any) -> dict[str, Any]:
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    named = [word for method in methods for word in ("--method", method)]
    done = tokred("bench", *words, *named, "--pairs", 1, "--out", out)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    return values(read_results(out / "results.json"))


@pytest.mark.slow
@pytest.mark.parametrize("name", PIPELINES)
def test_a_saved_pipeline(tokred: Tokred, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    saved = PIPELINES[name]
    pipe, requests = saved.pipe(), saved.requests(tmp_path)
    pipe.save_pretrained(tmp_path / "pipe")
    methods = (saved.method, "fewer_steps:share=0.5")
    expected = measured(pipeline_subject(pipe, requests, **saved.call), *methods, steps=4)
    call = {key: value for key, value in saved.call.items() if key not in ("height", "width", "num_frames")}
    options = {"model": tmp_path / "pipe", "prompts": tmp_path / "prompts.jsonl", "size": "64x64", "steps": 4}
    options |= {"frames": saved.call["num_frames"]} if "num_frames" in saved.call else {}
    more = [word for key, value in call.items() for word in ("--call", f"{key}={value}")]
    capfd.readouterr()
    found = commanded(lambda *words: tokred(*words, *more), tmp_path / "out", *methods, **options)
    assert "Loading" not in capfd.readouterr().err
    assert found == expected
    assert 0 < found[saved.method.replace(":", " ")][0] < 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["emoji-flux", "emoji-dit"])
def test_a_model_of_the_zoo(tmp_path: Path, name: str) -> None:
    def tokred(*words: Any) -> Any:
        return CliRunner().invoke(app, list(map(str, words)))

    model, methods = find_model(name), ("balanced", "dito:ratio=0.5,dense_first=1", "fewer_steps:share=0.5")
    load(model).save_pretrained(tmp_path / "pipe")
    (tmp_path / "prompts.txt").write_text("\n".join(asked(model.classes, range(2))))
    small = {"steps": 4, "samples": 2}
    expected = commanded(tokred, tmp_path / "zoo", *methods, model=name, **small)
    batch = read_results(tmp_path / "zoo" / "results.json").settings.batch  # sums are rounded by it
    own = {"model": tmp_path / "pipe", "prompts": tmp_path / "prompts.txt", "batch": batch}
    own |= {"call": f"guidance_scale={model.guidance}"}
    assert commanded(tokred, tmp_path / "own", *methods, **own, **small) == expected


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of two classes."""
    folder = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), dtype=np.uint8)
    for place, image in enumerate(noise):
        (folder / "ab"[place // 2]).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / "ab"[place // 2] / f"{place}.png")
    return folder


def opened(folder: Path) -> list[Image.Image]:
    return [Image.open(file) for file in sorted(folder.rglob("*.png"))]


def test_a_model_of_timm_with_a_folder_of_pictures(tokred: Tokred, tmp_path: Path, pictures: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = timm.create_model(TIMM)
    save_file(model.state_dict(), tmp_path / "vit.safetensors")
    subject = vision_subject(model, opened(pictures), [0, 0, 1, 1], prepare=timm_vision(model).see, batch=2)
    expected = measured(subject, "tome:r=8", "random:ratio=0.25", samples=2)
    options = {"model": f"timm:{TIMM}:{tmp_path / 'vit.safetensors'}", "data": pictures, "batch": 2, "samples": 2}
    assert commanded(tokred, tmp_path / "out", "tome:r=8", "random:ratio=0.25", **options) == expected


@pytest.mark.parametrize("kind", ["ViTForImageClassification", "ViTModel", "CLIPModel"])
def test_a_vision_model_of_transformers(tokred: Tokred, tmp_path: Path, pictures: Path, kind: str) -> None:
    transformers = pytest.importorskip("transformers")
    text = {"hidden_size": 16, "vocab_size": 40, "bos_token_id": 0, "eos_token_id": 1, **SMALL}
    config = transformers.CLIPConfig(text_config=text, vision_config=TINY) if kind == "CLIPModel" else None
    model = getattr(transformers, kind)(config or transformers.ViTConfig(**TINY, num_labels=5)).eval()
    model.save_pretrained(tmp_path / "model")
    processor = transformers.ViTImageProcessor(size={"height": 32, "width": 32})
    processor.save_pretrained(tmp_path / "model")
    seen = [processor(image.convert("RGB"), return_tensors="pt")["pixel_values"][0] for image in opened(pictures)]
    if kind == "ViTForImageClassification":
        subject = vision_subject(model, seen, [0, 0, 1, 1], batch=16)
    else:
        tower = model.vision_model if kind == "CLIPModel" else model
        subject = vision_subject(tower, seen, outputs="features", read=lambda made: made.pooler_output, batch=16)
    expected = measured(subject, "random:ratio=0.5")
    options = {"model": f"hf:{tmp_path / 'model'}", "data": pictures}
    found = commanded(tokred, tmp_path / "out", "random:ratio=0.5", **options)
    assert found == expected
    assert found["random ratio=0.5"][3]["agreement" if kind == "ViTForImageClassification" else "cosine"].mean <= 1


def test_pictures_of_datasets_on_disk(tmp_path: Path, pictures: Path) -> None:
    datasets = pytest.importorskip("datasets")
    from tokred import SpecError
    from tokred.bench.pictures_data import pictures_data

    files = sorted(map(str, pictures.rglob("*.png")))
    kinds = datasets.Features({"photo": datasets.Image(), "kind": datasets.ClassLabel(names=["a", "b"])})
    data = datasets.Dataset.from_dict({"photo": files, "kind": [0, 0, 1, 1]}, features=kinds)
    data.save_to_disk(tmp_path / "one")
    found = pictures_data(tmp_path / "one")
    assert found.labels == [0, 0, 1, 1]
    for place, image in enumerate(opened(pictures)):
        assert np.array_equal(np.asarray(found.opened(found.pictures[place])), np.asarray(image))
    assert pictures_data(tmp_path / "one").pictures[1].size == (40, 40)
    datasets.DatasetDict({"test": data, "train": data}).save_to_disk(tmp_path / "all")
    with pytest.raises(SpecError, match=r"several splits of a dataset\. Name one of them: .*all/test, .*all/train"):
        pictures_data(tmp_path / "all")
    data.remove_columns("photo").save_to_disk(tmp_path / "none")
    with pytest.raises(SpecError, match=r"has no column of pictures: \{'kind': 'ClassLabel'\}"):
        pictures_data(tmp_path / "none")
