"""What torch.compile makes of every method: `python benchmarks/compiled.py [FAMILY ...]`.

Compiles the tiny model of each family, block by block and as a whole, dense and with the methods in use most, or, on
some families, with every method that reduces something there. Writes docs/results/compiled.json: in how many graphs a
generation runs, how many a second one adds, and why where torch.compile does not get a call into one graph. Only traces
(`backend="eager"`, `fullgraph=True`, PyTorch's own limit of graphs). Families that are named are printed, and not
written. Takes an hour of one core.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch._dynamo.utils import counters

import tokred
from tokred.bench.environment import Versions
from tokred.family.sites import sites_of
from tokred.registry import components, family_for, registered_families, resolve
from tokred.testing.host import Host

OUT = Path(__file__).parents[1] / "docs" / "results" / "compiled.json"
STEPS = 8
ALL_METHODS = ("dit", "sd3", "flux", "unet", "wan", "vit")
"""Families that every method is tried on."""
IN_USE = ("balanced", "dito", "delta", "tomesd", "tome")
Scope = Literal["blocks", "whole"]


@dataclass(frozen=True)
class Compiled:
    """What came of a model with a method.

    Attributes:
        family: the model's.
        method: "dense" for none.
        scope: each block by itself, or the whole model.
        phases: how many kinds of calls a generation has, such as dense ones and those that reduce.
        graphs: of a generation.
        added: graphs that a second generation added.
        why: why it did not compile into whole graphs; empty where it did.
    """

    family: str
    method: str
    scope: Scope
    phases: int
    graphs: int = 0
    added: int = 0
    why: str = ""


def rows(names: list[str]) -> Iterator[Compiled]:
    """Compile the models of some families, or of all, with every method that reduces something there."""
    for registered, _ in registered_families():
        family = registered.component
        if not names or family.name in names:
            host = resolve(family.hosts)[0]
            tried = methods() if family.name in ALL_METHODS else IN_USE
            phases = {"dense": 1} | {name: count for name in tried if (count := phases_of(host, name))}
            for scope in ("blocks", "whole"):
                for method, count in phases.items():
                    yield compiled(family.name, host, method, scope, count)


def methods() -> list[str]:
    """List the methods by name."""
    return [registered.component.name for registered in components("method")]


def phases_of(host: Host, method: str) -> int:
    """Count the kinds of calls that a generation has; 0 where the method does not run, or reduces nothing."""
    model = host.model()
    try:
        with warnings.catch_warnings(action="ignore"), tokred.apply(model, method) as run:
            host.generate(model, steps=STEPS)
            calls = run.report().calls
    except (tokred.SpecError, tokred.UnsupportedModel):
        return 0
    return len({call.phase for call in calls}) if any(call.removed for call in calls) else 0


def compiled(family: str, host: Host, method: str, scope: Scope, phases: int) -> Compiled:
    """Compile a model and let it generate twice."""
    torch._dynamo.reset()
    counters.clear()
    model = host.model()
    with nullcontext() if method == "dense" else tokred.apply(model, method):
        call = compile_model(model, scope)
        try:
            host.generate(call, steps=STEPS)
            graphs = counters["stats"]["unique_graphs"]
            host.generate(call, steps=STEPS)
        except torch._dynamo.exc.TorchDynamoException as error:
            return Compiled(family, method, scope, phases, why=str(error).strip().splitlines()[0])
    return Compiled(family, method, scope, phases, graphs, counters["stats"]["unique_graphs"] - graphs)


def compile_model(model: nn.Module, scope: Scope) -> Any:
    """Compile each block of a model in place, or all of it, and return what is to be called."""
    if scope == "whole":
        return torch.compile(model, fullgraph=True, backend="eager")
    for site in sites_of(family_for(model, "compiling"), model):
        if site.kind == "block":
            site.module.compile(fullgraph=True, backend="eager")
    return model


def main() -> None:
    """Compile, print and write."""
    names, found = sys.argv[1:], []
    for row in rows(names):
        print(asdict(row), flush=True)
        found.append(asdict(row))
    if not names:
        tried = {"families": ALL_METHODS, "methods": ("dense", *IN_USE)}
        made = {"versions": asdict(Versions.here()), "steps": STEPS, **tried, "graphs": found}
        OUT.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
