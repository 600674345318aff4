"""Run every method on every family, and write what came of it: `python tests/plugins/matrix.py`, from the root.

The pages are docs/methods/index.md, of a few families, and docs/families.md, of all; `test_matrix.py` fails when they
are out of date.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch

import tokred
from tokred.parts import RandomMatcher, RoleMatcher
from tokred.registry import build_method, components

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from families.models import FAMILIES, Family  # noqa: E402

from tokred.registry import registered_families, resolve  # noqa: E402
from tokred_adapters.whole_calls import WHOLE_CALLS  # noqa: E402

PAGE = ROOT / "docs" / "methods" / "index.md"
ALL_FAMILIES = ROOT / "docs" / "families.md"
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
UNREFERRED = "There are no reference pictures in these calls: every step is dense."
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


def state_of(name: str, family: Family, grid: tuple[int, ...] = GRID) -> State:
    """Run a method on a family."""
    model = family.model()
    try:
        run = tokred.apply(model, name)
    except (tokred.SpecError, tokred.UnsupportedModel) as error:
        why = str(error)
        return State("cannot", f"The method {why.removeprefix(f'{name} ')}" if why.startswith(f"{name} ") else why)
    with warnings.catch_warnings(record=True) as caught, run:
        warnings.simplefilter("always")
        try:
            output = family.generate(model, batch=BATCH, grid=grid, steps=STEPS)
        except tokred.UnsupportedModel as error:
            return State("cannot", str(error))
        report = run.report()
    told = [str(warning.message) for warning in caught if str(warning.message).startswith("tokred")]
    assert torch.isfinite(output).all(), f"{name} on {family} gives numbers that are none"
    removed = any(call.removed for call in report.calls)
    if not removed and isinstance(run.method.matcher, RoleMatcher):
        return State("limits", UNREFERRED)
    assert removed, f"{name} on {family} reduces nothing: {' '.join(told)}"
    per_sample = all(call.site.per_sample for call in report.calls)
    notes = [*told, *([] if per_sample or not compares(name) else [SHARED])]
    return State("limits", " ".join(notes)) if notes else State("works")


def compares(name: str) -> bool:
    """Say whether a method's correspondences depend on the sample where they can."""
    return not isinstance(build_method(name, {}).matcher, RandomMatcher | RoleMatcher)


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


DIFFUSION = (
    "balanced",
    "dito",
    "delta",
    "tomesd",
    "tofu",
    "sito",
    "ca_tome",
    "toma",
    "sdtm",
    "todo",
    "asymrnr",
    "ras",
    "toca",
)
VISION = (
    "tomesd",
    "tofu",
    "sito",
    "toma",
    "todo",
    "tome",
    "pitome",
    "evit",
    "ats",
    "atc",
    "token_pooling",
    "kff",
    "diffrate",
)
ALL_HEAD = f"""---
hide: [toc]
---

# Model families

What tokred describes, and which methods run there with their default parameters. Made by running each pair on the
real class at tiny size, {STEPS} steps for a batch of {BATCH}; `python tests/plugins/matrix.py` writes this page, and a
slow test fails when it is out of date.

*works*: the method reduces tokens as its page says. *limits*: it does, but for what the note says. *cannot*:
`tokred.apply` refuses, with the sentence of the note.

Methods that skip whole steps (`quality`, `balanced`, `fast`, `step_cache`) run on **every** denoiser of diffusers,
described or not: transformers, UNets, video and audio. `tokred.apply(pipe, "balanced")` takes all denoisers of a
pipeline, such as the two of Wan 2.2.

"""
MIDDLE = """
## Whole steps only

In these classes tokens cannot be reduced, or not yet:

| class | why |
|---|---|
"""


def families_page() -> str:
    """Write the page of all families."""
    listed = [(registered.component, resolve(registered.component.hosts)[0]) for registered, _ in registered_families()]
    notes: list[str] = []
    tables = []
    for title, repeats, methods in (("Diffusion", True, DIFFUSION), ("Vision", False, VISION)):
        rows = [_row(component.name, host, methods, notes) for component, host in listed if host.repeats == repeats]
        head = [f"## {title}", "", f"| family | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
        tables += [*head, *rows, ""]
    numbered = [f"{i}. {note}" for i, note in enumerate(notes, 1)]
    whole = [f"| `{name.partition('.')[2]}` | {why} |" for name, why in WHOLE_CALLS.items()]
    return ALL_HEAD + "\n".join([*tables, *numbered]) + "\n" + MIDDLE + "\n".join(whole) + "\n"


def _row(name: str, host: Family, methods: list[str], notes: list[str]) -> str:
    grid = host.grid if not host.repeats else (2, 8, 8) if len(host.grid) == 3 else GRID  # a ViT has a size of its own
    states = [state_of(method, host, grid) for method in methods]
    for state in states:
        if state.why and state.why not in notes:
            notes.append(state.why)
    cells = [f"{s.word} ({notes.index(s.why) + 1})" if s.why else s.word for s in states]
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page())
    ALL_FAMILIES.write_text(families_page())
