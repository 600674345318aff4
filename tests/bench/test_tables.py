"""The tables of README and docs follow the results that they are made of."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import ModuleType

import pytest
from bench.made import made_results, made_row
from bench.scripts import load_script

from tokred.bench import Results, compare_runs, find_metric, parse_references, write_results
from tokred.bench.gains import gain_tables
from tokred.errors import SpecError
from tokred.zoo.catalog import zoo_models


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    return load_script("tables")


def cells(line: str) -> list[str]:
    return line.strip("| ").split(" | ")


def test_a_brief_table_has_speedups_in_the_order_asked_for(
    tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = made_row("fast", {}, 0.4, 0.5, [40.0, 42.0]), made_row("tomesd", {"ratio": 0.25}, 0.8, 0.8, [23.0, 23.4])
    write_results(made_results(*rows), tmp_path / "results.json")
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    head, _, *lines = tables.brief_table(["results.json"], ["tomesd:ratio=0.25", "fast"])
    assert cells(head) == ["method", "speedup", "PSNR, dB"]
    assert [cells(line) for line in lines] == [["tomesd ratio=0.25", "1.2x", "23.2"], ["fast", "2.0x", "41.0"]]


def test_the_front_page_is_the_first_screen_with_the_links_of_the_docs(tables: ModuleType) -> None:
    page = tables.landing("# tokred\n\n[one](docs/a.md), [two](CONTRIBUTING.md)\n\n## Why\n\nmore\n")
    assert page == "---\nhide: [navigation, toc]\n---\n\n# tokred\n\n[one](a.md), [two](contributing.md)\n"


def test_pictures(tables: ModuleType, results: Results) -> None:
    head, rule, *rows = tables.quality_table(results, [])
    assert cells(head) == ["method", "compute", "time", "PSNR, dB", "foreground PSNR, dB", "SSIM", "LPIPS"]
    assert rule == "|---|---|---|---|---|---|---|"
    assert [cells(row)[0] for row in rows] == [row.label for row in results.rows]
    first = results.rows[0]
    psnr = first.scores["psnr"]
    assert cells(rows[0])[1:4] == [
        f"{first.compute:.2f}",
        f"{first.time_ratio.median:.2f}",
        f"{psnr.mean:.1f} ({psnr.low:.1f} to {psnr.high:.1f})",
    ]


def test_a_classifier_has_a_dense_row_first(tables: ModuleType, classifier_results: Results) -> None:
    head, _, dense, *rows = tables.quality_table(classifier_results, [])
    assert cells(head) == ["method", "compute", "time", "samples/s", "top-1", "agreement"]
    top1, speed = classifier_results.dense.scores["top1"], classifier_results.dense.samples_per_second
    written = f"{top1.mean:.3f} ({top1.low:.3f} to {top1.high:.3f})"
    assert dense == f"| dense | 1.00 | 1.00 | {speed:.1f} | {written} |  |"
    assert cells(rows[0])[3] == f"{classifier_results.rows[0].samples_per_second:.1f}"


def test_named_methods_in_the_order_of_their_names(tables: ModuleType, results: Results) -> None:
    rows = tables.quality_table(results, ["tomesd", "dito"])[2:]
    assert [cells(row)[0].split()[0] for row in rows] == ["tomesd", "dito", "dito", "dito"]


def test_some_runs_of_a_method(tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = (("dito", {"ratio": 0.5}), ("dito", {"ratio": 0.75}), ("tomesd", {"ratio": 0.5}))
    rows = [made_row(name, params, 0.5, 0.5, [30.0, 31.0]) for name, params in runs]
    write_results(made_results(*rows), tmp_path / "results.json")
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    page = tables.filled("<!-- table: results.json tomesd dito:ratio=0.75 -->\nold\n<!-- end -->")
    assert [cells(line)[0] for line in page.splitlines()[3:-1]] == ["tomesd ratio=0.5", "dito ratio=0.75"]
    assert tables.filled(page) == page


def test_two_files_as_one(tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file, psnr in (("old.json", 30.0), ("new.json", 40.0)):
        write_results(made_results(made_row("dito", {}, 0.5, 0.5, [psnr, psnr])), tmp_path / file)
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    (line,) = tables.filled("<!-- table: old.json+new.json -->\n<!-- end -->").splitlines()[3:-1]
    assert cells(line)[3] == "40.0 (40.0 to 40.0)"


def test_only_the_columns_that_a_file_has(tables: ModuleType, results: Results) -> None:
    rows = [dataclasses.replace(row, scores={"ssim": row.scores["ssim"]}) for row in results.rows]
    head = tables.quality_table(dataclasses.replace(results, rows=tuple(rows)), [])[0]
    assert cells(head) == ["method", "compute", "time", "SSIM"]


def test_gains_are_what_compare_finds(
    tables: ModuleType, results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results(results, tmp_path / "results.json")
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    for name, reference in ((" psnr", "step_cache"), (" lpips", "dito:ratio=0.5"), ("", "dito")):
        head, tail = f"before\n<!-- gains: results.json against {reference}{name} -->\n", "<!-- end -->\nafter"
        page = tables.filled(f"{head}old\n{tail}")
        assert tables.filled(page) == page
        assert page.startswith(head)
        assert page.endswith(tail)
        lines = page[len(head) : -len(tail)].splitlines()
        metric = find_metric(results, name.strip() or None)
        (against,) = compare_runs(results, parse_references([reference]), metric).against
        texts = gain_tables(against, metric)
        assert [line for line in lines if line.startswith("Against")] == [f"{text.title}:" for text in texts]
        assert [cells(line) for line in lines if line.startswith("| ")] == [
            row for text in texts if text.rows for row in (list(text.head), *map(list, text.rows))
        ]
        assert [line for line in lines if line.startswith("Not compared: ")] == [
            f"Not compared: {reason}" for text in texts for reason in text.missing
        ]


def test_twins_alone(tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        made_row("dito", params, 0.5, 0.5, [30.0, 31.0])
        for params in ({"ratio": 0.5}, {"ratio": 0.5, "signal": "input"})
    ]
    write_results(made_results(*rows), tmp_path / "results.json")
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    page = {
        kind: tables.filled(f"<!-- {kind}: results.json against dito:signal=input -->\n<!-- end -->")
        for kind in ("twins", "gains")
    }
    assert ("Against the twin" in page["twins"], "equal compute" in page["twins"]) == (True, False)
    assert ("Against the twin" in page["gains"], "equal compute" in page["gains"]) == (True, True)


def test_ranges_of_the_named_runs_against_their_twins(
    tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [({"ratio": 0.25}, 0.9, 35.0), ({"ratio": 0.5}, 0.8, 31.0), ({"ratio": 0.5, "penalty": 0.1}, 0.8, 90.0)]
    twins = [({"ratio": 0.25, "signal": "input"}, 0.9, 33.0), ({"ratio": 0.5, "signal": "input"}, 0.8, 32.0)]
    made = [made_row("dito", params, cost, cost, [psnr, psnr]) for params, cost, psnr in (*runs, *twins)]
    write_results(made_results(*made), tmp_path / "results.json")
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    named = "results.json of dito without signal,penalty against dito:signal=input"
    page = tables.filled(f"<!-- ranges: {named} -->\nold\n<!-- end -->")
    assert [cells(line)[1:] for line in page.splitlines()[3:-1]] == [
        [f"equal {what}", "2", "1", "1", "-1.00", "+0.50", "+2.00"] for what in ("schedule", "compute", "time")
    ]
    assert tables.filled(page) == page


def made_choice(gap: int, reduces: bool, below: float) -> dict[str, object]:
    preset = {"gap": gap, "reduces": reduces}
    return {"label": f"{gap} {reduces} {below}", "preset": preset, "compute": 0.5, "below": below, "worst": 2 * below}


def test_presets_show_the_nearest_of_each_gap_and_one_that_reduces(tables: ModuleType) -> None:
    choices = [made_choice(1, False, below) for below in (0.5, 1.0, 1.5)]
    choices += [made_choice(1, True, below) for below in (2.0, 3.0)] + [made_choice(2, False, 0.25)]
    rows = tables.table({"choices": choices}, [])[2:]
    assert [cells(row)[1] for row in rows] == ["1 False 0.5", "1 False 1.0", "1 True 2.0", "2 False 0.25"]
    assert cells(rows[2])[2:] == ["0.50", "2.00", "4.00"]


def test_forecast_errors_have_a_row_for_each_measurement(tables: ModuleType) -> None:
    levels = {"last": -20.0, "line_noise": -21.04, "line": -25.0, "parabola": -23.0, "best": -26.0}
    shares = {"worst_quarter": 0.777, "worst_half": 0.9, "neighbours": 0.25}
    row = {"model": "emoji-dit", "steps": 10, "interval": 2, **levels, **shares}
    head, _, only = tables.table({"rows": [row]}, [])
    assert cells(head)[:5] == ["model", "steps", "one in", "last output", "line over noise"]
    assert cells(only)[2:5] == ["2", "-20.0", "-21.0"]
    assert cells(only)[-3:] == ["0.78", "0.90", "0.25"]


def test_times_of_a_device_stand_beside_the_dense_ones(tables: ModuleType, tmp_path: Path) -> None:
    def record(pixels: int, method: str, whole: float, **ms: float) -> None:
        what = {"model": "dit", "pixels": pixels, "method": method}
        times = {phase.replace("_", "+"): {"median": time} for phase, time in ms.items()}
        result = {"tokens": 4096, "ms": times, "generation_ms": whole, "compute": 0.5, "peak_bytes": 3 * 2**29}
        (tmp_path / f"{pixels}{method}.json").write_text(json.dumps({"what": what, "result": result}))

    record(512, "tomesd", 80.0, match_reduce=4.0)
    record(512, "dense", 100.0, dense=5.123)
    record(512, "dito", 50.0, dense=5.5, match=7.0, reduce=2.0)
    record(256, "dense", 10.0, dense=0.5)
    head, _, *rows = tables.speed_table(tmp_path)
    assert cells(head)[5:] == ["dense step, ms", "matching step, ms", "reduced step, ms", "speedup", "GiB"]
    assert [cells(row)[1:4] for row in rows] == [
        ["256", "4,096", "dense"],
        ["512", "4,096", "dense"],
        ["512", "4,096", "dito"],
        ["512", "4,096", "tomesd"],
    ]
    assert cells(rows[1])[5:] == ["5.12", "", "", "1.00", "1.5"]
    assert cells(rows[2])[5:] == ["5.5", "7", "2", "2.00", "1.5"]
    assert cells(rows[3])[5:] == ["", "", "4", "1.25", "1.5"]


def test_measured_runs_of_a_method_on_every_model(
    tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [made_row(name, {"ratio": 0.5}, 0.5, 0.6, [30.0, 32.0]) for name in ("tomesd", "dito")]
    for model in (model.name for model in zoo_models()):
        (tmp_path / model).mkdir()
        results = dataclasses.replace(made_results(*(rows if model == "emoji-dit" else rows[:1])), model=model)
        write_results(results, tmp_path / model / "results.json")
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    page = tables.filled("<!-- measured: dito -->\nold\n<!-- end -->")
    (line,) = page.splitlines()[3:-1]
    assert cells(line) == ["emoji-dit", "dito ratio=0.5", "0.50", "0.60", "PSNR, dB 31.0 (30.0 to 32.0)"]
    assert len(tables.measured_table("tomesd")) == 2 + len(zoo_models())
    with pytest.raises(SpecError, match="'ras' was not measured"):
        tables.measured_table("ras")
