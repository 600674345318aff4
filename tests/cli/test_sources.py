"""Models of one's own: pipelines from a folder, vision models with pictures, and whatever a function returns."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from bench.tiny import CLASSES, NAME, TinySubject, write_tiny_zoo
from diffusers import DiffusionPipeline
from PIL import Image
from safetensors.torch import save_file

from tokred import SpecError
from tokred.bench import Results, line_up, load_subject, pipeline_subject, run, run_bench, vision_subject
from tokred.bench.drawing import DrawingSubject
from tokred.bench.result_file import read_results
from tokred.bench.sources import Source
from tokred.bench.view import shown
from tokred.zoo.catalog import ZooModel
from tokred.zoo.load import load
from tokred.zoo.spread import asked

TIMM = "vit_tiny_patch16_224"
SMALL: dict[str, Any] = {"steps": 3, "samples": 3, "pairs": 1}


def values(results: Results) -> dict[str, Any]:
    """What does not depend on time."""
    return {row.label: (row.compute, row.site_compute, row.scores) for row in results.rows}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny pipeline, with a file of what it is asked for."""
    folder = tmp_path_factory.mktemp("saved")
    write_tiny_zoo(folder / "zoo")
    load(ZooModel.read(folder / "zoo" / NAME)).save_pretrained(folder / "pipe")
    (folder / "prompts.txt").write_text("\n".join(asked(CLASSES, range(len(CLASSES)))))
    return folder


def test_a_saved_pipeline_gives_the_rows_of_the_zoo_to_the_bit(saved: Path) -> None:
    model = ZooModel.read(saved / "zoo" / NAME)
    zoo = DrawingSubject(model, load(model))
    methods = ["tomesd:ratio=0.5", "fewer_steps:share=0.5"]
    expected = run_bench(zoo, line_up(zoo, methods), zoo.settings(**SMALL))
    source = Source(
        model=str(saved / "pipe"), prompts=saved / "prompts.txt", batch=8, call={"guidance_scale": model.guidance}
    )
    subject = source.load()
    assert subject.settings().samples == len(CLASSES)
    found = run_bench(subject, line_up(subject, methods), subject.settings(**SMALL))
    assert values(found) == values(expected)
    assert found.model == str(saved / "pipe")


@pytest.mark.parametrize("name", ["emoji-dit", "emoji-flux", "emoji-sd3"])
def test_the_pipelines_of_the_zoo_are_loaded_from_what_they_saved(tmp_path: Path, name: str) -> None:
    zoo = load_subject(name)
    zoo.model.save_pretrained(tmp_path / "pipe")
    classes = zoo.zoo.classes  # type: ignore[attr-defined]
    (tmp_path / "prompts.txt").write_text("\n".join(asked(classes, range(2))))
    guidance = {"guidance_scale": zoo.zoo.guidance}  # type: ignore[attr-defined]
    subject = Source(model=str(tmp_path / "pipe"), prompts=tmp_path / "prompts.txt", batch=2, call=guidance).load()
    assert torch.equal(subject.generate([0, 1], 1), zoo.generate([0, 1], 1))


def test_diffusers_itself_loads_the_dit_with_its_classes(saved: Path) -> None:
    pipe = DiffusionPipeline.from_pretrained(saved / "pipe")
    assert list(pipe.labels) == sorted(CLASSES)


def test_one_call_measures_and_keeps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = TinySubject().model
    results = run(
        pipe, ["tomesd:ratio=0.5"], prompts=["a", "b"], steps=2, pairs=1, out=tmp_path, batch=2, guidance_scale=1.0
    )
    assert [row.label for row in results.rows] == ["tomesd ratio=0.5"]
    assert (results.settings.samples, results.settings.batch) == (2, 2)
    said = capsys.readouterr().out
    assert {"dense", "tomesd"} <= set(said.split())
    written = {"results.json", "report.html", "pareto.png", "pareto.svg", "strip.png"}
    assert {path.name for path in tmp_path.iterdir()} == written
    again = run(pipe, ["tomesd:ratio=0.5"], prompts=["a", "b"], steps=2, pairs=1, batch=2, out=tmp_path, found="resume",
                quiet=True, guidance_scale=1.0)  # fmt: skip
    assert again.rows == results.rows
    assert capsys.readouterr().out == ""
    with pytest.raises(SpecError, match=r"What is DiTPipeline asked for\? Give prompts"):
        run(pipe)


def test_requests_of_several_kinds_are_drawn_one_by_one() -> None:
    pipe = TinySubject().model
    subject = pipeline_subject(pipe, ["a", {"class_labels": [1], "guidance_scale": 1.0}], guidance_scale=1.0)
    both = subject.generate([0, 1], 2)
    alone = pipeline_subject(pipe, ["a", "b"], guidance_scale=1.0)
    assert torch.equal(both, torch.cat([alone.generate([0], 2), alone.generate([1], 2)]))


class Video:
    """Makes frames of noise."""

    device = torch.device("cpu")

    def __call__(self, prompt: list[str], num_inference_steps: int = 3, num_frames: int = 2, **rest: Any) -> Any:
        frames = torch.stack([torch.rand(2, 3, 32, 32, generator=each) for each in rest["generator"]])
        return type("Output", (), {"frames": frames + 0.1 / num_inference_steps})


def test_video_is_compared_frame_by_frame() -> None:
    from tokred.bench.measures import known_metric
    from tokred.bench.quality import Quality

    subject = pipeline_subject(Video(), ["a fox", "a bear"])
    dense, other = subject.generate([0, 1], 2), subject.generate([0, 1], 1)
    assert dense.shape == (2, 2, 3, 32, 32)
    psnr, changes = known_metric("psnr"), known_metric("psnr_changes")
    assert {psnr, changes} <= set(subject.metrics)
    quality = Quality("video", {psnr: psnr.load(), changes: changes.load()})
    quality.add(other, {"dense": dense})
    frames = psnr.load()(other.flatten(0, 1), dense.flatten(0, 1)).view(2, 2).mean(dim=1)
    assert quality.values["psnr"] == pytest.approx(frames.tolist())
    assert quality.values["psnr_changes"] == pytest.approx(changes.load()(other, dense).tolist())
    assert torch.equal(shown(dense), dense[:, 1])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of two classes, and the same as an .npz."""
    folder = tmp_path_factory.mktemp("data")
    noise = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), dtype=np.uint8)
    for place, image in enumerate(noise):
        (folder / "by class" / "ab"[place // 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "by class" / "ab"[place // 2] / f"{place}.png")
    np.savez(folder / "data.npz", images=noise, labels=np.array([0, 0, 1, 1]))
    np.savez(folder / "unknown.npz", images=noise)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_file(timm.create_model(TIMM).state_dict(), path)
    return path


def test_a_model_of_timm_with_a_folder_and_with_an_npz(pictures: Path, weights: Path) -> None:
    found = []
    for data in ("by class", "data.npz"):
        subject = Source(model=f"timm:{TIMM}:{weights}", data=pictures / data, batch=2).load()
        assert [metric.against for metric in subject.metrics] == ["truth", "dense"]
        settings = subject.settings(pairs=1, samples=2)
        found.append(values(run_bench(subject, line_up(subject, ["random:ratio=0.25"]), settings)))
    assert found[0] == found[1]
    unknown = Source(model=f"timm:{TIMM}:{weights}", data=pictures / "unknown.npz").load()
    assert {metric.of for metric in unknown.metrics} == {"scores", "features"}
    assert {metric.against for metric in unknown.metrics} == {"dense"}


def test_features_are_compared_with_dense_ones() -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4))
    subject = vision_subject(model, torch.rand(3, 3, 2, 2), outputs="features")
    assert subject.generate([0, 4], 1).shape == (2, 4)
    assert [metric.of for metric in subject.metrics] == ["features"]
    assert torch.equal(subject.generate([1], 1), subject.generate([4], 1))


def test_a_function_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("from bench.tiny import TinySubject\ndef make(): return TinySubject().model\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "prompts.txt").write_text("a\nb\n")
    subject = Source(model="mine:make", prompts=tmp_path / "prompts.txt", call={"guidance_scale": 1.0}).load()
    assert subject.generate([0], 1).shape == (1, 3, 32, 32)
    with pytest.raises(SpecError, match=r"--model mine:other: .*'other'\. Name a function that can be imported"):
        Source(model="mine:other", prompts=tmp_path / "prompts.txt").load()
    sys.modules.pop("mine")


LINES = {
    "empty": "",
    "gap": "a fox\n\na bear",
    "no-json": '{"prompt"',
    "no-object": "[1]",
    "unknown-key": '{"promt": "a"}',
    "no-picture": '{"image": "x.png"}',
}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "{tmp}"}, "is not a pipeline: it has no model_index.json"),
        ({"model": "{tmp}/none"}, "cannot be loaded"),
        ({"model": NAME + "x"}, "Unknown zoo model"),
        ({"prompts": None}, "name a file of prompts by --prompts"),
        ({"prompts": "none.txt"}, "cannot be read"),
        ({"prompts": "empty.jsonl"}, "is empty. Write a prompt a line"),
        ({"prompts": "gap.jsonl"}, "line 2 is empty. Take it out"),
        ({"prompts": "no-json.jsonl"}, "line 1 is not valid JSON"),
        ({"prompts": "no-object.jsonl"}, r"line 1 must be an object"),
        ({"prompts": "no-picture.jsonl"}, "names the picture x.png, which cannot be read"),
        ({"data": "x"}, "--data means nothing for --model"),
        ({"size": (64, 48), "model": "emoji-dit", "prompts": None}, "--size means nothing for --model emoji-dit"),
        ({"dtype": "int8"}, "dtype='int8' is not known. Allowed: float32"),
        ({"device": "cuda:7"}, "device='cuda:7' is not there"),
        ({"prompts": "unknown-key.jsonl"}, r"DiTPipeline takes no 'promt'\. It takes: class_labels"),
        ({"offload": "disk"}, "--offload disk is not known. Allowed: none, model, group"),
        ({"offload": "model"}, "--offload model moves weights off an accelerator, and --device is cpu. Leave it out"),
        ({"frames": 5}, r"DiTPipeline takes no 'num_frames'\. It takes: class_labels"),
        ({"size": (64, 64)}, r"DiTPipeline takes no 'height'\. It takes: class_labels"),
        ({"variant": "fp16"}, r"--model .*pipe cannot be loaded: .*fp16"),
        ({"model": "emoji-dit", "prompts": None, "frames": 5}, "--frames means nothing for --model emoji-dit"),
        ({"model": "hf:{tmp}", "prompts": None}, "looks at pictures: name them by --data"),
        ({"model": "hf:{tmp}", "prompts": None, "data": "data.npz"}, r"--model hf:.* cannot be loaded: "),
        ({"model": "hf:{tmp}", "revision": "main"}, r"--prompts means nothing for --model hf:"),
        ({"model": "timm:vit", "prompts": None, "revision": "main"}, r"--revision means nothing for --model timm:vit"),
        ({"call": {"colour": 3}}, r"DiTPipeline takes no 'colour'\. It takes: class_labels"),
        ({"model": "timm:vit_tinny", "prompts": None, "data": "data.npz"}, "timm has no model 'vit_tinny'. It has "),
        ({"model": f"timm:{TIMM}:none", "prompts": None, "data": "data.npz"}, "holds no weights of"),
        ({"model": "emoji-dit"}, "--prompts means nothing for --model emoji-dit"),
    ],
    ids=lambda x: "-".join(map(str, x)) if isinstance(x, dict) else "",
)
def test_what_cannot_be_is_refused(
    saved: Path, pictures: Path, tmp_path: Path, given: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in LINES.items():
        (tmp_path / f"{name}.jsonl").write_text(text)
    options: dict[str, Any] = {"model": str(saved / "pipe"), "prompts": saved / "prompts.txt"} | given
    if isinstance(given.get("prompts"), str):
        options["prompts"] = tmp_path / given["prompts"]
    if "data" in given:
        options["data"] = pictures / given["data"]
    with pytest.raises(SpecError, match=message):
        Source(**options | {"model": options["model"].format(tmp=tmp_path)}).load()


def test_the_command_says_all_that_it_was_given(tokred: Callable[..., Any], saved: Path, tmp_path: Path) -> None:
    given = ("--prompts", saved / "prompts.txt", "--call", "guidance_scale=1.0", "--batch", 2)
    options = ("--method", "random:ratio=0.5", "--steps", 2, "--samples", 2, "--pairs", 1)
    done = tokred("bench", "--model", saved / "pipe", *given, *options, "--out", tmp_path / "out")
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    settings = json.loads((tmp_path / "out" / "results.json").read_text())["settings"]
    again = settings["command"].replace(str(tmp_path / "out"), str(tmp_path / "again")).split()[1:]
    assert tokred(*again).exit_code == 0
    first, second = (read_results(tmp_path / name / "results.json").rows[0].scores for name in ("out", "again"))
    assert first == second
    for wrong, message in (("--size=8", "must be height and width"), ("--call=x", "must be NAME=VALUE")):
        refused = tokred("bench", "--model", saved / "pipe", wrong, "--out", tmp_path / "no")
        assert (refused.exit_code, message in refused.stderr) == (2, True)
