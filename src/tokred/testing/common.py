"""Promises of every kind of component, tried on the kind's stages."""

from __future__ import annotations

import inspect
import random
import re
from typing import Any

import numpy as np
import torch

from tokred.testing.check import Specimen, demand, same
from tokred.testing.stages import stages


def documented(specimen: Specimen) -> None:
    """It has a docstring; every parameter has a type, and is explained there or by a class that it inherits from."""
    source = specimen.source
    doc = source.__doc__ or ""
    doc = "" if doc.startswith(f"{source.__name__}(") else doc  # what a dataclass says of itself
    demand(bool(doc), f"{source.__name__} has no docstring. Say in a line what it does: `tokred methods` prints it.")
    docs = "\n".join(each.__doc__ or "" for each in getattr(source, "__mro__", [source]))
    for name, parameter in inspect.signature(source).parameters.items():
        explained = re.search(rf"^\s+{name}( \(.*\))?: \S", docs, re.MULTILINE)
        demand(bool(explained), f"parameter {name!r} is not explained. Add a line '{name}: ...' under 'Args:'.")
        typed = parameter.annotation is not parameter.empty
        demand(typed, f"parameter {name!r} has no type, so the command line cannot read it. Annotate it.")


def deterministic(specimen: Specimen) -> None:
    """The same inputs give the same outputs, and the global random generators are neither read nor moved."""
    for stage in stages(specimen):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(1)
            before = _random_states()
            first = stage.perform(specimen.make(), stage.x.clone(), False)
            demand(_random_states() == before, f"{stage.name}: a global random generator was used. Use `generator`.")
            torch.manual_seed(2)
            second = stage.perform(specimen.make(), stage.x.clone(), False)
        demand(same(first, second), f"{stage.name}: two runs on the same inputs differ.")


def inputs_unchanged(specimen: Specimen) -> None:
    """The tensors that it is handed are left as they were."""
    for stage in stages(specimen):
        x = stage.x.clone()
        stage.perform(specimen.make(), x, False)
        demand(same(x, stage.x), f"{stage.name}: it writes to its input. Work on a copy.")


def generations_are_independent(specimen: Specimen) -> None:
    """A generation knows nothing of those before it: what is remembered is in `memory` and nowhere else."""
    for stage in stages(specimen):
        used = specimen.make()
        stage.play(used, stage.x.flip(0) * 2)
        again, fresh = stage.play(used), stage.play(specimen.make())
        demand(same(again, fresh), f"{stage.name}: it works otherwise once it has been used. Keep no state in `self`.")


def samples_do_not_influence_each_other(specimen: Specimen) -> None:
    """What comes of one sample of a batch does not depend on the others, be they broken or not."""
    for stage in stages(specimen):
        if not stage.per_sample:
            continue
        expected = stage.play(specimen.make())[1]
        for name, first, last in (("other values", 3.0, -3.0), ("NaN and Inf", torch.nan, torch.inf)):
            x = stage.x.clone()
            x[0].view(-1)[::5], x[2:].view(-1)[::5] = first, last
            got = stage.play(specimen.make(), x)[1]
            demand(same(got, expected), f"{stage.name}: {name} in the other samples changed the second.")


def compiles(specimen: Specimen) -> None:
    """It compiles into one graph (`fullgraph=True`), which computes the same."""
    stage = stages(specimen)[0]  # all of them would take a minute
    torch.testing.assert_close(stage.play_compiled(specimen.make()), stage.play(specimen.make()))


def _random_states() -> tuple[Any, ...]:
    numpy = np.random.get_state()
    return torch.get_rng_state().tolist(), str(numpy), random.getstate()
