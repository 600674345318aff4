"""The presets: what they are made of, and what their pages say of their cost."""

from __future__ import annotations

import re
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from bench.tiny import TinySubject

import tokred
from tokred.bench import join_results, read_results
from tokred.registry import build_method
from tokred_plugins import presets

DOCS = Path(__file__).parents[2] / "docs" / "methods"
FRONT = DOCS.parent / "results" / "front"
PRESETS = ("quality", "balanced", "fast")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_step_cache_that_its_page_says(name: str) -> None:
    (program, order) = re.findall(r"step_cache:program=(.*),order=(\d)", (DOCS / f"{name}.md").read_text())[0]
    subject, pictures = TinySubject(), []
    given: Any = ((name, {}), ("step_cache", {"program": program, "order": int(order)}))
    for method, params in given:
        with tokred.apply(subject.model, method, **params) as run:
            pictures.append(subject.generate([1, 2], 9))
            assert run.report().compute < 1
    assert torch.equal(*pictures)


@pytest.mark.parametrize("path", sorted(FRONT.glob("*/results.json")), ids=lambda path: path.parent.name)
def test_a_dearer_preset_keeps_more_of_the_picture(path: Path) -> None:
    parts = map(read_results, (path, *sorted(path.parent.glob("*/results.json"))))
    rows = {row.label: row for row in reduce(join_results, parts).rows}
    measured = [rows[name] for name in PRESETS if name in rows]
    for dearer, cheaper in pairwise(measured):
        assert dearer.compute >= cheaper.compute
        assert dearer.scores["psnr"].mean > cheaper.scores["psnr"].mean, (dearer.label, cheaper.label)


def test_the_page_of_fronts_says_what_the_presets_compute() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\].*\| `(.+)` \| (.+) \| (.+) \|$", (DOCS.parent / "front.md").read_text(), re.M)
    assert [name for name, *_ in rows] == list(PRESETS)
    for name, program, *shares in rows:
        scheduler: Any = build_method(name, {}).scheduler
        assert str(scheduler) == program
        for idle, said in enumerate(shares):
            computed = [scheduler.steps(steps, idle).count("D") / steps for steps in (6, 10, 28, 50)]
            assert said == ", ".join(f"{share:.2f}" for share in computed), (name, idle)


@pytest.mark.parametrize("name", PRESETS)
def test_page_and_docstring_say_its_share_of_28_steps(name: str) -> None:
    scheduler: Any = build_method(name, {}).scheduler
    share = f"{sum(step != '1' for step in scheduler.steps(28)) / 28:.2f}"
    assert f"That leaves {share} of the compute at 28 steps." in (DOCS / f"{name}.md").read_text()
    assert f"{share} of the compute" in str(getattr(presets, name).__doc__)
