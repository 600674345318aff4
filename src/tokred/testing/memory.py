"""The promise of parts that remember."""

from __future__ import annotations

from typing import Any

import torch

from tokred.interfaces import Memory
from tokred.parts import Cosine
from tokred.testing import matcher, recovery
from tokred.testing.check import Specimen, demand, same
from tokred.testing.data import LAYOUT, features, reduction


def memory_is_what_was_declared(specimen: Specimen) -> None:
    """It writes the tensors that `state_spec` declares in place, adds none, and keeps no input by reference."""
    part = specimen.make()
    x = features(channels=matcher.channels_of(part))
    memory = (matcher if specimen.kind == "matcher" else recovery).memory_for(part, x)
    declared = dict(memory)
    (_match if specimen.kind == "matcher" else _recover)(part, x, memory)
    demand(memory.keys() == declared.keys(), f"memory holds {sorted(memory)}, and {sorted(declared)} were declared.")
    for name, tensor in declared.items():
        demand(memory[name] is tensor, f"memory {name!r} was replaced. Write in place: memory[{name!r}].copy_(...).")
        before = tensor.clone()
        x.add_(1)
        demand(same(tensor, before), f"memory {name!r} changes with an input. Copy it: memory[{name!r}].copy_(...).")


def _match(part: Any, x: torch.Tensor, memory: Memory) -> None:
    r = matcher.some(part.capacity(LAYOUT))
    part.match(x, part.draw(LAYOUT, r, torch.Generator().manual_seed(0)), r, Cosine(), memory)


def _recover(part: Any, x: torch.Tensor, memory: Memory) -> None:
    made = reduction(len(x))
    recovery.observe(part, x, made, memory)
    recovery.recover(part, x[:, : made.computed], made, memory)
