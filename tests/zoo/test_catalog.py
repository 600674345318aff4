import json
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from tokred.errors import SpecError, WeightsError
from tokred.zoo import catalog, load_model, zoo_models

NAME = "tiny-dit"


def change(folder: Path, **changes: Any) -> None:
    entries = json.loads((folder / "model.json").read_text()) | changes
    (folder / "model.json").write_text(json.dumps({k: v for k, v in entries.items() if v is not None}))


def test_lists_what_json_says_without_weights(zoo: Path) -> None:
    (zoo / "weights.safetensors").unlink()
    (model,) = zoo_models()
    assert (model.name, model.summary, model.family) == (NAME, "A tiny one.", "dit")
    assert (model.size, model.draws) == (8, True)
    assert model.classes == ("fox", "bear", "tiger", "cat", "owl")
    assert (model.steps, model.guidance, model.tokens) == (3, 1.0, 4 * 4)
    assert model.parameters == 1234
    with pytest.raises(FrozenInstanceError):
        model.name = "other"  # type: ignore[misc]


def test_no_models_folder_is_an_empty_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "MODELS", tmp_path / "nowhere")
    assert zoo_models() == []
    with pytest.raises(WeightsError, match="No trained models are installed. Install tokred-zoo, .*pip install ./zoo"):
        load_model("emoji-dit")


def test_import_and_listing_leave_hosts_alone() -> None:
    code = "import sys, tokred.zoo; tokred.zoo.zoo_models(); print({'diffusers', 'timm'} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.strip() == "set()"


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("name", ["tiny-dt", "../tiny-dit", ""])
def test_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=r"Unknown zoo model '.*'\. Known: tiny-dit\."):
        load_model(name)


@pytest.mark.usefixtures("zoo")
def test_unknown_name_suggests_a_close_one() -> None:
    with pytest.raises(SpecError, match=r"Did you mean 'tiny-dit'\?"):
        load_model("tiny-dt")


def test_missing_json_is_refused(zoo: Path) -> None:
    (zoo / "model.json").unlink()
    with pytest.raises(WeightsError, match=r"json cannot be read: .*No such file.*Reinstall tokred-zoo .*--export"):
        zoo_models()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}"])
def test_unreadable_json_is_refused(zoo: Path, content: bytes) -> None:
    (zoo / "model.json").write_bytes(content)
    with pytest.raises(WeightsError, match=r"model\.json cannot be read: "):
        load_model(NAME)


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": None},
        {"extra": 1},
        {"tokens": "16"},
        {"tokens": True},
        {"classes": {}},
        {"files": "x"},
        {"guidance": 1},
    ],
)
def test_wrong_entries_are_refused(zoo: Path, changes: dict[str, Any]) -> None:
    change(zoo, **changes)
    with pytest.raises(WeightsError, match=r"must hold exactly name \(str\), .*tokens \(int\).*Reinstall tokred"):
        load_model(NAME)


def test_json_that_is_no_object_is_refused(zoo: Path) -> None:
    (zoo / "model.json").write_text("[]")
    with pytest.raises(WeightsError, match="must hold exactly"):
        load_model(NAME)


def test_unknown_family_is_refused(zoo: Path) -> None:
    change(zoo, family="gan")
    with pytest.raises(WeightsError, match=r"has family 'gan'\. Known: dit, flux, sd3, kontext, wan, vit\. Reinstall"):
        load_model(NAME)


def test_another_models_json_is_refused(zoo: Path) -> None:
    change(zoo, name="other")
    with pytest.raises(WeightsError, match=r"describes 'other', not 'tiny-dit'\. Reinstall"):
        load_model(NAME)
