"""Which of diffusers' samplers are followed, and how: `python tests/engine/samplers.py` writes docs/samplers.md."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from diffusers import schedulers

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from engine.test_noise import NAMES, STEPS, WITHOUT_NOISE, begin, begun
from families.models import BY_NAME

import tokred
from tokred.testing.snapshot import changes, snapshot

PAGE = Path(__file__).parents[2] / "docs" / "samplers.md"
OTHERWISE = {*WITHOUT_NOISE, "DDPMWuerstchenScheduler", "PiflowScheduler", "RePaintScheduler"}
"""Samplers of tokens, and those that want a time per picture, several outputs at once, or a mask."""
HEAD = f"""# Samplers

How tokred follows each sampler that diffusers exports, in a generation of {STEPS} steps by a tiny DiT. Made by running
them: `python tests/engine/samplers.py` writes this page, and a test fails when it is out of date.

*calls* of the model make up *steps*: a sampler of second order makes two calls a step, which share a plan and have a
memory each. *noise* is the share of noise at each call, which forecasts go by: *known* where it is read from the
sampler, as a test holds against the sampler's own `add_noise`; *even* where it cannot be read and is taken to fall
evenly, which the report says. *ratio 0*: a method that removes nothing changes no bit of the result. *removal*: the
model and the sampler are what they were.

| sampler | calls | steps | noise | ratio 0 | removal |
|---|---|---|---|---|---|
"""
TAIL = """
Samplers of tokens, and those whose `step` takes more than an output, a time and a picture, are not in the table: {}.
Say their steps by hand, with `tokred.step`.
"""


def page() -> str:
    """Write the page."""
    followed = [name for name in NAMES if steps_pictures(name)]
    others = ", ".join(f"`{name}`" for name in NAMES if name not in followed)
    return HEAD + "".join(f"| {' | '.join(row(name))} |\n" for name in followed) + TAIL.format(others)


def steps_pictures(name: str) -> bool:
    """Say whether a sampler goes from picture to picture by a model's output."""
    step = getattr(getattr(schedulers, name), "step", None)
    named = [] if step is None else list(inspect.signature(step).parameters)[1:]
    return named[:3] == ["model_output", "timestep", "sample"] and name not in OTHERWISE


def row(name: str) -> list[str]:
    """Run a sampler densely, at ratio 0 and with a preset."""
    model, scheduler = BY_NAME["dit"].model(torch.float32), begun(name)
    pipe = SimpleNamespace(scheduler=scheduler, transformer=model)
    dense, calls = draw(pipe)
    before, attributes = snapshot(model), vars(scheduler).keys()
    with tokred.apply(pipe, "tomesd", ratio=0.0):
        same = torch.equal(draw(pipe)[0], dense)
    with tokred.apply(pipe, "balanced") as run:
        draw(pipe)
        report = run.report()
    exact = not changes(before, snapshot(model)) and vars(scheduler).keys() == attributes
    even = any("taken to fall evenly" in note for note in report.notes)
    steps = len({call.position.step for call in report.calls})
    return [f"`{name}`", str(calls), str(steps), "even" if even else "known", _word(same), _word(exact)]


def _word(holds: bool) -> str:
    return "exact" if holds else "**not exact**"


@torch.no_grad()
def draw(pipe: Any) -> tuple[torch.Tensor, int]:
    """Draw with the pipeline's sampler; return the picture and the number of calls."""
    family, scheduler, calls = BY_NAME["dit"], pipe.scheduler, 0
    begin(scheduler)
    arguments = family.arguments(pipe.transformer, 0)
    picture = arguments[family.argument]
    torch.manual_seed(0)
    for t in scheduler.timesteps[:-1] if type(scheduler).__name__ == "SCMScheduler" else scheduler.timesteps:
        scaled = scheduler.scale_model_input(picture, t) if hasattr(scheduler, "scale_model_input") else picture
        output = family.run(pipe.transformer, {**arguments, family.argument: scaled}).clamp(-1, 1)
        picture, calls = scheduler.step(output, t, picture, return_dict=False)[0], calls + 1
    return picture.nan_to_num(), calls


if __name__ == "__main__":
    PAGE.write_text(page())
