"""Every command and snippet of README and the pages, in sequence as written.

A page is read from top to bottom in a folder of its own: its Python in one namespace, its commands in this process.
Benchmarks get options that make them short. What needs a GPU, the hub or an environment of its own is parsed only.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diffusers
import pytest
import timm
import torch
from typer.main import get_command
from typer.testing import CliRunner

import tokred
from tokred.cli.app import app
from tokred.extras import EXTRAS
from tokred_adapters.tiny import hosts

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = ("tokred", "make", "pip", "python", "pytest", "bash", "ln", "accelerate")
SHORT = {
    "bench": "--steps 6 --samples 2 --pairs 1",
    "tune": "--samples 2 --pairs 1 --candidates 2 --tuning-samples 2",
    "analyze": "--samples 2 --steps 6",
}
"""What makes commands short."""
ELSEWHERE = re.compile(
    r"cuda|clip_score|--engine|--model all|my_package|--model emoji-dit --out|--install-completion|hello|\$target"
)
"""Commands that need what is not here, or measure everything; test_own_models.py and wheel_smoke.py run their like."""
INSTALLING = {"docs/adapters.md", "docs/checks.md", "docs/comfyui.md", "docs/plugins.md"} | {
    "docs/examples/tokred-example/README.md"
}
"""Pages about packages that are installed, which `make wheel-smoke` and `make test-comfy` do; these are parsed only."""
MEASURING = {
    "docs/benchmark.md",
    "docs/compose.md",
    "docs/cost.md",
    "docs/install.md",
    "docs/models.md",
    "docs/tune.md",
} | {"docs/analysis/index.md"}
"""Pages that take longer than a few seconds."""


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return a page's code, each with its language; files that are shown whole as they are."""
    found = BLOCK.findall(page.read_text())
    return [(kind, re.sub(r'--8<-- "(.*)"', lambda m: (ROOT / m[1]).read_text(), code)) for kind, code in found]


def commands(code: str) -> Iterator[list[str]]:
    """Yield the words of each line that begins with a program; formulas do not."""
    for line in code.splitlines():
        if line.removeprefix("$ ").startswith(tuple(f"{program} " for program in PROGRAMS)):
            yield shlex.split(line.removeprefix("$ "), comments=True)


def name(page: Path) -> str:
    """Return the path of a page in the repository."""
    return str(page.relative_to(ROOT))


def pages() -> list[Any]:
    """Return the pages that have something to run."""
    found = [page for page in PAGES if any(kind == "python" or any(commands(code)) for kind, code in blocks(page))]
    slow = [pytest.mark.slow]
    return [pytest.param(page, id=name(page), marks=slow if name(page) in MEASURING else []) for page in found]


@pytest.fixture
def flux() -> Any:
    """Load the pipeline that pages call `pipe`, anew for each: what one applies or compiles is not the next one's."""
    pipe = tokred.load_model("emoji-flux")
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture
def given(flux: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Return what pages take for granted, in a folder like a checkout; pictures are drawn in four steps."""
    kind, draw, create = type(flux), type(flux).__call__, timm.create_model
    monkeypatch.setattr(kind, "__call__", lambda *a, **given: draw(*a, **given | {"num_inference_steps": 4}))
    monkeypatch.setattr(kind, "to", lambda pipe, device: pipe)
    monkeypatch.setattr(diffusers.FluxPipeline, "from_pretrained", lambda *_, **__: flux)
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: create("vit_tiny_patch16_224"))
    monkeypatch.chdir(tmp_path)
    for folder in ("docs", "benchmarks"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.syspath_prepend(ROOT / "docs" / "examples" / "tokred-example")
    dit = next(host for host in hosts() if host.name == "dit")
    return {
        "__name__": "snippet",
        "pipe": flux,
        "prompt": "red apple",
        "transformer": dit.model(),
        "conditions": {"class_labels": torch.tensor([0])},
        "x": torch.zeros(dit.picture(1, dit.grid)),
        "timesteps": torch.linspace(999, 0, 6, dtype=torch.int64)[:, None],
        "vit": create("vit_tiny_patch16_224"),
        "pictures": torch.zeros(2, 3, 224, 224),
        "labels": [0, 1],
    }


@pytest.mark.parametrize("page", pages())
def test_a_page_runs_as_written(page: Path, given: dict[str, Any]) -> None:
    for kind, code in blocks(page):
        if kind == "python" and not ELSEWHERE.search(code):
            exec(compile(code, name(page), "exec", dont_inherit=True), given)
        for program, *words in commands(code):
            if program == "tokred":
                run(words, parse_only=name(page) in INSTALLING or bool(ELSEWHERE.search(shlex.join(words))))
            else:
                check(program, words)


def run(words: list[str], parse_only: bool) -> None:
    """Run `tokred`, or see that it takes the arguments."""
    if not parse_only:
        done = CliRunner().invoke(app, [*words, *SHORT.get(words[0], "").split()])
        assert done.exit_code == 0, f"{shlex.join(words)}: {done.output}"
    elif command := get_command(app).commands.get(words[0]):  # type: ignore[attr-defined]
        command.make_context(words[0], words[1:])


def check(program: str, words: list[str]) -> None:
    """See that what another program is given is there: targets of make, scripts, packages and extras."""
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words[0]
    for word in words:
        if re.fullmatch(r"(benchmarks|adapters|zoo|\./zoo)\b.*", word):
            assert (ROOT / word).exists(), word
        for extra in re.findall(r"^(?:\.|tokred)\[(\w+)\]$", word):
            assert extra in {*EXTRAS, "zoo", "test"}, word
