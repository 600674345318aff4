"""Results as one page that needs nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from tokred.bench.files import replacing
from tokred.bench.measures import known_metric
from tokred.bench.result import Dense, Results, Row, Score
from tokred.bench.strip import as_picture
from tokred.bench.taking import applied_by
from tokred.bench.view import Exhibit
from tokred.data_uri import mask_uri, picture_uri
from tokred.metrics import Metric

PAGE = "report.html"
SIDE = 320
"""Pixels of the longer side that a picture has on the page at most."""
BUDGET = 1_500_000
"""Characters that all pictures may take: of samples that would not fit none is shown, but of the first."""


def write_page(results: Results, exhibits: Sequence[Exhibit], folder: Path) -> Path:
    """Write `report.html` into `folder`: the front, a sortable table, pictures and token maps; return its path.

    Args:
        results: what was measured.
        exhibits: what was shown, the dense pictures first; none where outputs are not pictures.
        folder: where it goes.

    Raises:
        OutputError: if it cannot be written.
    """
    path = folder / PAGE
    template = files("tokred.bench").joinpath(PAGE).read_text(encoding="utf-8")
    text = json.dumps(page_data(results, exhibits), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    with replacing(path) as temporary:
        temporary.write_text(template.replace("@DATA@", text), encoding="utf-8")
    return path


def page_data(results: Results, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
    """Return what the page shows, as plain data."""
    drawn = _fitting({exhibit.label: [_uri(picture) for picture in exhibit.pictures] for exhibit in exhibits})
    shown = {exhibit.label: _exhibit(exhibit, drawn[exhibit.label]) for exhibit in exhibits}
    settings, device = results.settings, results.device
    pairs = f"{settings.pairs} timed pair{'s' * (settings.pairs != 1)}"
    return {
        "model": results.model,
        "how": f"{settings.size}, {pairs}, {device.name}, {results.date[:10]}",
        "where": ", ".join(f"{name} {value}" for name, value in vars(results.versions).items() if value),
        "command": settings.command,
        "metrics": [_metric(known_metric(name)) for name in (results.rows[0].scores if results.rows else ())],
        "dense": _dense(results.dense),
        "runs": [_run(row, shown.get(row.label)) for row in results.rows],
        "missing": [f"{each.label}: failed, {each.error}" for each in results.failed]
        + [f"{each.label}: left out. {each.why}" for each in results.left_out],
        "pictures": drawn.get("dense", []),
    }


def _fitting(drawn: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return as many of each run's first pictures as there is room for."""
    number = max(map(len, drawn.values()), default=0)
    while number > 1 and sum(len(uri) for uris in drawn.values() for uri in uris[:number]) > BUDGET:
        number -= 1
    return {label: uris[:number] for label, uris in drawn.items()}


def _uri(made: torch.Tensor) -> str:
    picture = as_picture(made)
    scale = SIDE / max(picture.shape[1:])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in picture.shape[1:]]
        picture = torch.nn.functional.interpolate(picture[None].float(), size, mode="bilinear", antialias=True)[0]
    return picture_uri(picture)


def _exhibit(exhibit: Exhibit, pictures: list[str]) -> dict[str, Any]:
    """Return pictures and token maps of a run; a map is the place of a picture, or whether all tokens were computed."""
    seen: dict[str, int] = {}
    maps: list[tuple[int, int | bool]] = []
    for shown in exhibit.tokens:
        if shown.partial:
            maps.append((shown.step, seen.setdefault(mask_uri(shown.kept), len(seen))))
        else:
            maps.append((shown.step, bool(shown.kept.all())))
    site = exhibit.tokens[0].site if exhibit.tokens else ""
    return {"pictures": pictures, "values": exhibit.values, "site": site, "maps": maps, "seen": list(seen)}


def _metric(metric: Metric) -> dict[str, Any]:
    return {name: getattr(metric, name) for name in ("name", "title", "unit", "higher", "digits")}


def _dense(dense: Dense) -> dict[str, Any]:
    costs = {"time": (1.0, 1.0, 1.0), "compute": 1.0, "seconds": dense.seconds, "peak": dense.peak_bytes}
    return {"label": "dense", "reduced": True, "scores": _scores(dense.scores), **costs}


def _run(row: Row, exhibit: dict[str, Any] | None) -> dict[str, Any]:
    time = row.time_ratio
    costs = {"time": (time.median, time.min, time.max), "compute": row.compute, "seconds": row.seconds}
    costs["peak"] = row.peak_bytes
    said = {"label": row.label, "kind": row.kind, "reduced": row.reduced, "apply": applied_by(row)}
    return {**said, **costs, "scores": _scores(row.scores), "exhibit": exhibit}


def _scores(scores: dict[str, Score]) -> dict[str, tuple[float, float, float]]:
    return {name: (score.mean, score.low, score.high) for name, score in scores.items()}
