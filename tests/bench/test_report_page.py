"""The page holds what was measured and shown, and nothing of it is elsewhere."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench.made import made_results, made_row
from PIL import Image

from tokred.bench.page import BUDGET, PAGE, SIDE, page_data, write_page
from tokred.bench.view import Exhibit
from tokred.engine.token_map import TokenMap

ROWS = (made_row("dito", {"ratio": 0.5}, 0.6, 0.5, [30, 34]), made_row("fast", {}, 0.3, 0.25, [20, 22]))
KEPT = torch.tensor([[True, False], [False, True]])


def exhibits(size: int = 16, pictures: int = 2) -> list[Exhibit]:
    drawn = torch.rand(pictures, 3, size, size, generator=torch.Generator().manual_seed(0))
    partial, none, every = KEPT, torch.zeros(2, 2, dtype=torch.bool), torch.ones(2, 2, dtype=torch.bool)
    maps = tuple(TokenMap(step, "a", kept) for step, kept in enumerate((every, partial, none, partial)))
    others = [Exhibit(row.method, row.label, drawn / 2, (30.0,) * pictures, maps) for row in ROWS]
    return [Exhibit("dense", "dense", drawn), *others]


def held(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def picture(uri: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_a_page_holds_what_was_measured(tmp_path: Path) -> None:
    page = write_page(made_results(*ROWS), exhibits(), tmp_path).read_text()
    data = held(page)
    assert [path.name for path in tmp_path.iterdir()] == [PAGE]
    assert [run["label"] for run in data["runs"]] == [row.label for row in ROWS]
    assert data["runs"][0]["scores"]["psnr"][0] == 32
    assert data["runs"][0]["apply"] == 'tokred.apply(pipe, "dito", ratio=0.5)'
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert re.findall(r"https?://[^\"]+", page) == ["http://www.w3.org/2000/svg"]


def test_maps_are_held_once_each_and_are_those_of_the_run() -> None:
    exhibit = page_data(made_results(*ROWS), exhibits())["runs"][0]["exhibit"]
    assert exhibit["maps"] == [(0, True), (1, 0), (2, False), (3, 0)]
    (uri,) = exhibit["seen"]
    assert np.array_equal(picture(uri).astype(bool), KEPT.numpy())


def test_pictures_are_small_and_as_many_as_fit() -> None:
    data = page_data(made_results(*ROWS), exhibits(size=2 * SIDE, pictures=8))
    assert picture(data["pictures"][0]).shape == (SIDE, SIDE, 3)
    drawn = [data["pictures"], *(run["exhibit"]["pictures"] for run in data["runs"])]
    assert len({len(each) for each in drawn}) == 1
    assert sum(len(uri) for each in drawn for uri in each) <= BUDGET


def test_without_pictures_there_are_none(tmp_path: Path) -> None:
    data = held(write_page(made_results(*ROWS), [], tmp_path).read_text())
    assert data["pictures"] == []
    assert {run["exhibit"] for run in data["runs"]} == {None}


def test_a_name_cannot_end_the_script(tmp_path: Path) -> None:
    results = dataclasses.replace(made_results(*ROWS), model="</script><b>")
    page = write_page(results, exhibits(), tmp_path).read_text()
    assert page.count("</script>") == 2
    assert held(page)["model"] == "</script><b>"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
def test_a_browser_shows_it(tmp_path: Path) -> None:
    page = write_page(made_results(*ROWS), exhibits(), tmp_path)
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    body = shown.partition('id="rows">')[2].partition("</tbody>")[0]
    assert re.findall(r"<tr.*?<td>(.*?)</td>", body) == ["dense", "fast", "dito ratio=0.5"]
    assert shown.count("<circle") == 2
    assert re.findall(r"<figcaption>(\d)</figcaption>", shown) == ["0", "1", "2", "3"]
