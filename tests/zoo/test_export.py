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
from tokred.zoo import ZooModel
from tokred.zoo.load import load_pipeline


def test_all_files_are_written(exported: Path) -> None:
    names = {"weights.safetensors", "model.json", "card.md", "training.json", "NOTICE.txt", "loss.png", "sheet.png"}
    assert {path.name for path in exported.iterdir()} == names
    weights = exported / "weights.safetensors"
    assert ZooModel.read(exported).sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert {tensor.dtype for tensor in load_file(weights).values()} == {torch.float16}


def test_sheet_shows_the_shipped_weights(exported: Path) -> None:
    sheet = Image.open(exported / "sheet.png")
    assert sheet.size == (8 * 8, 4 * 8)
    model = ZooModel.read(exported)
    seeds = json.loads((exported / "training.json").read_text())["samples"]["seeds"]
    assert len(set(seeds)) == 32
    pictures = model.generate(load_pipeline(model), seeds, model.steps)
    for place in (0, 9, 31):
        corner = (place % 8 * 8, place // 8 * 8)
        tile = sheet.crop((*corner, corner[0] + 8, corner[1] + 8))
        shown = torch.tensor(list(tile.tobytes())).view(8, 8, 3).permute(2, 0, 1)
        assert (shown - pictures[place] * 255).abs().max() <= 0.51


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
    for text in ("600 of 6", "2,400", "1 h 05 min", "7 abacuses", "python 3.99, torch 9.9", "| lr | 0.001 |"):
        assert text in card
    assert f"| final loss | {record['final_loss']['mean']:.4f} " in card
    assert f"{record['samples']['nearest_psnr_db']:.1f} dB" in card
    assert all(f"]({name})" in card for name in ("sheet.png", "loss.png"))


def test_microsofts_notice_goes_with_the_weights(exported: Path) -> None:
    notice = (exported / "NOTICE.txt").read_text()
    assert "Copyright (c) Microsoft Corporation." in notice
    assert "The above copyright notice and this permission notice shall be included in all" in notice
    assert notice in (exported / "card.md").read_text()


def test_exporting_again_gives_the_same_bytes(
    exported: Path, tmp_path: Path, network: Any, config: Any, data: Any, facts: Any
) -> None:
    export.export_model("tiny-dit", network, config, data, facts, tmp_path)
    for path in exported.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_weight_beyond_half_precision_is_refused(network: Any) -> None:
    broken = copy.deepcopy(network)
    broken.proj_out_2.bias.data[0] = 1e6
    with pytest.raises(ValueError, match=r"'proj_out_2\.bias' is not finite in half precision; train with"):
        export.halve(broken)


def test_file_too_large_to_ship_is_refused(
    tmp_path: Path, network: Any, config: Any, data: Any, facts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "LARGEST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"has [0-9,]+ bytes; at most 1,000 can be shipped"):
        export.export_model("tiny-dit", network, config, data, facts, tmp_path)
