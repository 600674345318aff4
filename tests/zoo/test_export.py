import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import export
from flow import FlowTask
from sheet import CAPTION, TILE
from tokred.zoo import ZooModel
from tokred.zoo.load import load


def test_all_files_are_written(exported: Path) -> None:
    names = {"weights.safetensors", "model.json", "card.md", "training.json", "NOTICE.txt"}
    assert {path.name for path in exported.iterdir()} == names
    assert {path.name for path in pictures(exported).iterdir()} == {"loss.png", "sheet.png"}
    weights = exported / "weights.safetensors"
    sums = {"weights.safetensors": hashlib.sha256(weights.read_bytes()).hexdigest()}
    assert ZooModel.read(exported).files.sha256 == sums
    assert {tensor.dtype for tensor in load_file(weights).values()} == {torch.float16}


def pictures(exported: Path) -> Path:
    return exported.parents[3] / "docs" / "models" / exported.name


def test_sheet_shows_the_shipped_weights(exported: Path) -> None:
    sheet = Image.open(pictures(exported) / "sheet.png")
    assert sheet.size == (8 * TILE, 4 * (TILE + CAPTION))
    model = ZooModel.read(exported)
    seeds = json.loads((exported / "training.json").read_text())["samples"]["seeds"]
    assert len(set(seeds)) == 32
    drawn = model.generate(load(model), seeds, model.steps)
    for place in (0, 9, 31):
        corner = (place % 8 * TILE, place // 8 * (TILE + CAPTION))
        tile = sheet.crop((*corner, corner[0] + TILE, corner[1] + TILE)).resize((8, 8), Image.Resampling.NEAREST)
        shown = torch.tensor(list(tile.tobytes())).view(8, 8, 3).permute(2, 0, 1)
        assert (shown - drawn[place] * 255).abs().max() <= 0.51


def test_training_facts_are_recorded(exported: Path, config: Any, facts: Any, data: Any) -> None:
    record = json.loads((exported / "training.json").read_text())
    assert record["settings"] == config
    assert record["losses"] == [list(pair) for pair in facts["losses"]]
    assert record["versions"] == facts["versions"]
    assert record["final_loss"]["mean"] == pytest.approx(sum(2.0 / i for i in range(3, 13)) / 10)
    assert record["final_loss"]["steps"] == [150, 600]
    assert record["data"]["sha256"] == hashlib.sha256(bytes(data.images.flatten().tolist())).hexdigest()


def test_card_states_what_was_measured(exported: Path) -> None:
    card = (exported / "card.md").read_text()
    record = json.loads((exported / "training.json").read_text())
    assert "$" not in card
    told = (
        "600 of 6",
        "2,400",
        "1 h 05 min",
        "7 abacuses",
        "python 3.99, torch 9.9",
        "| lr | 0.001 |",
        "steps 2, batch 2",
    )
    for text in told:
        assert text in card
    assert f"| final loss | {record['final_loss']['mean']:.4f} " in card
    assert f"{record['samples']['nearest_psnr_db']:.1f} dB" in card


def test_microsofts_notice_goes_with_the_weights(exported: Path) -> None:
    notice = (exported / "NOTICE.txt").read_text()
    assert "Copyright (c) Microsoft Corporation." in notice
    assert "The above copyright notice and this permission notice shall be included in all" in notice
    assert notice in (exported / "card.md").read_text()


def test_exporting_again_gives_the_same_bytes(
    exported: Path, tmp_path: Path, network: Any, config: Any, data: Any, facts: Any
) -> None:
    places = export.Places.of(tmp_path, "tiny-dit")
    export.export_model("tiny-dit", FlowTask(config, data), network, config, facts, places)
    for before, again in ((exported, places.package), (pictures(exported), places.pictures)):
        for path in before.iterdir():
            assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_weight_beyond_half_precision_is_refused(network: Any) -> None:
    broken = copy.deepcopy(network)
    broken.proj_out_2.bias.data[0] = 1e6
    with pytest.raises(ValueError, match=r"'proj_out_2\.bias' is not finite in half precision; train with"):
        export.halve(broken.state_dict())


def test_file_too_large_to_ship_is_refused(
    tmp_path: Path, network: Any, config: Any, data: Any, facts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "LARGEST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"would have [0-9,]+ bytes; at most 1,000 can be shipped"):
        export.export_model(
            "tiny-dit", FlowTask(config, data), network, config, facts, export.Places.of(tmp_path, "tiny-dit")
        )
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("family", "patch", "size", "count"),
    [("dit", 4, 64, 256), ("sd3", 2, 32, 256), ("flux", 1, 64, 1024), ("vit", 2, 28, 196)],
)
def test_tokens_of_a_picture(family: str, patch: int, size: int, count: int) -> None:
    assert export.tokens({"family": family, "model": {"patch_size": patch}}, size) == count
