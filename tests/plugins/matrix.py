"""Run every method on every family, and write what came of it: `python tests/plugins/matrix.py`, from the root.

The page is docs/methods/index.md; `test_matrix.py` fails when it is out of date.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch

import tokred
from tokred.registry import build_method, components

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from families.models import FAMILIES, Family  # noqa: E402

PAGE = ROOT / "docs" / "methods" / "index.md"
STEPS, BATCH, GRID = 8, 2, (8, 8)
COLUMNS = {
    "dit": "DiT",
    "pixart": "PixArt",
    "sd3": "SD3",
    "sd35": "SD3.5",
    "flux": "Flux",
    "vit": "ViT",
    "deit3": "DeiT-3",
    "vit-registers": "ViT, registers",
}
SHARED = "The samples of a batch share their correspondences: rotary positions have no batch axis."
HEAD = f"""# Methods on models

Every method, with its default parameters, on every family of models. Made by running them: each pair generates {STEPS}
steps for a batch of {BATCH} on a grid of {GRID[0]} by {GRID[1]} tokens, on the real classes at tiny size;
`python tests/plugins/matrix.py` writes this page, and a test fails when it is out of date.

*works*: the method reduces tokens as its page says. *limits*: it does, but for what the note says. *cannot*:
`tokred.apply` refuses, with the sentence of the note. [What is not here, and why](missing.md).

"""


@dataclass(frozen=True)
class State:
    """What came of a pair: "works", "limits" or "cannot", and why."""

    word: str
    why: str = ""


def state_of(name: str, family: Family) -> State:
    """Run a method on a family."""
    model = family.model()
    try:
        run = tokred.apply(model, name)
    except (tokred.SpecError, tokred.UnsupportedModel) as error:
        why = str(error)
        return State("cannot", f"The method {why.removeprefix(f'{name} ')}" if why.startswith(f"{name} ") else why)
    with warnings.catch_warnings(record=True) as caught, run:
        warnings.simplefilter("always")
        output = family.generate(model, batch=BATCH, grid=GRID, steps=STEPS)
        report = run.report()
    told = [str(warning.message) for warning in caught if str(warning.message).startswith("tokred")]
    assert torch.isfinite(output).all(), f"{name} on {family} gives numbers that are none"
    assert any(call.removed for call in report.calls), f"{name} on {family} reduces nothing: {' '.join(told)}"
    per_sample = all(call.site.per_sample for call in report.calls)
    notes = [*told, *([] if per_sample or not compares(name) else [SHARED])]
    return State("limits", " ".join(notes)) if notes else State("works")


def compares(name: str) -> bool:
    """Say whether a method's correspondences depend on the sample where they can."""
    return type(build_method(name, {}).matcher).__name__ != "RandomMatcher"


def page() -> str:
    """Write the page."""
    own = [registered.component for registered in components("method") if registered.provider.distribution == "tokred"]
    rows, notes = [], list[str]()
    for component in own:
        states = [state_of(component.name, family) for family in FAMILIES]
        notes += [why for why in dict.fromkeys(state.why for state in states) if why and why not in notes]
        cells = [f"{s.word} ({notes.index(s.why) + 1})" if s.why else s.word for s in states]
        rows.append(f"| [{component.name}]({component.name}.md) | {' | '.join(cells)} |")
    columns = [COLUMNS[family.name] for family in FAMILIES]
    table = [f"| method | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|", *rows]
    return HEAD + "\n".join([*table, "", *(f"{i}. {why}" for i, why in enumerate(notes, 1))]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
