"""Whether this lane runs at all."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from tokred.parts import Program
from tokred.registry import build_method

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(find_spec("comfy_api") is None, reason="no ComfyUI here: `make test-comfy` installs it")
def test_the_nodes_are_tried_in_comfyuis_engine() -> None:
    import tokred_comfy

    assert set(tokred_comfy.NODE_CLASS_MAPPINGS) == set(tokred_comfy.NODE_DISPLAY_NAME_MAPPINGS)


def test_the_registrys_fields_are_there_and_the_wheel_leaves_the_nodes_out() -> None:
    fields = tomllib.loads((ROOT / "adapters/tokred_comfy/pyproject.toml").read_text())
    assert {"name", "description", "version", "license", "dependencies"} <= set(fields["project"])
    assert fields["project"]["dependencies"] == ["tokred"]
    assert {"PublisherId", "DisplayName"} <= set(fields["tool"]["comfy"])
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert not any("comfy" in package for package in wheel["packages"])


@pytest.mark.parametrize("page", ["docs/comfyui.md", "adapters/tokred_comfy/README.md"])
def test_the_pages_say_how_many_steps_the_presets_compute(page: str) -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", (ROOT / page).read_text(), re.MULTILINE)
    assert len(rows) >= 3
    for steps, *computed in rows:
        for name, number in zip(("quality", "balanced", "fast"), computed, strict=True):
            scheduler = build_method(name, {}).scheduler
            assert isinstance(scheduler, Program)
            assert sum(step != "1" for step in scheduler.steps(int(steps))) == int(number), (steps, name)
