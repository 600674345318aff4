"""Promises of a recovery."""

from __future__ import annotations

from typing import Any

import torch

from tokred.engine.memory import new_memory
from tokred.interfaces import Memory, Time
from tokred.reduction import Reduction
from tokred.testing.check import Specimen, Stage, demand, same
from tokred.testing.data import DTYPES, LAYOUT, devices, features, reduction


def recovery_stages(specimen: Specimen) -> list[Stage]:
    """Observe a dense output twice and recover from kept outputs twice."""
    made = reduction(3)
    x = features(tokens=2 * LAYOUT.image + made.computed)
    return [Stage("recover", x, lambda part, x, compiled: _perform(part, x, made, compiled))]


def _perform(part: Any, x: torch.Tensor, made: Reduction, compiled: bool) -> torch.Tensor:
    """Return what is recovered, `[B, N, C]`, of `x`: two dense outputs and one of the kept tokens."""
    tokens = made.tokens

    def both(memory: Memory) -> torch.Tensor:
        observe(part, x[:, :tokens], made, memory, time=0.9)
        observe(part, x[:, tokens : 2 * tokens], made, memory, time=0.8)
        recover(part, x[:, 2 * tokens :], made, memory)
        return recover(part, x[:, 2 * tokens :], made, memory)

    run = torch.compile(both, fullgraph=True, backend="eager") if compiled else both
    result: torch.Tensor = run(memory_for(part, x[:, :tokens]))
    return result


def memory_for(part: Any, output: torch.Tensor) -> Memory:
    """Make the memory that a recovery declares for an output `[B, N, C]`."""
    shape = (output.shape[0], output.shape[1], output.shape[2])
    return new_memory(part.state_spec(shape), output.dtype, output.device)


def observe(part: Any, output: torch.Tensor, made: Reduction, memory: Memory, time: float = 0.8) -> None:
    """Have a dense output `[B, N, C]` observed with its correspondences, as the engine does where there is memory."""
    if memory:
        part.observe(output, memory, Time.at(torch.tensor(time, device=output.device)), made)


def recover(part: Any, kept: torch.Tensor, made: Reduction, memory: Memory, time: float = 0.7) -> torch.Tensor:
    """Recover from outputs of the kept tokens `[B, K, C]`, as the engine does."""
    recovered: torch.Tensor = part.recover(kept, made, memory, Time.at(torch.tensor(time, device=kept.device)))
    return recovered


def output_is_as_the_input(specimen: Specimen) -> None:
    """What is recovered is `[B, N, C]`, in the dtype and on the device of the kept outputs; so is what is recalled."""
    for device in devices():
        for dtype in DTYPES:
            part, on_cpu = specimen.make(), reduction(3)
            made = Reduction(on_cpu.kept.to(device), on_cpu.assign.to(device))
            dense = features().to(device, dtype)
            memory = memory_for(part, dense)
            observe(part, dense, made, memory)
            got = recover(part, dense[:, : made.computed], made, memory)
            wanted = (dense.shape, dense.dtype, dense.device)
            recalled = part.recall(memory, Time.at(torch.tensor(0.7, device=device))) if memory else got
            for what, made_up in (("recovered", got), ("recalled", recalled)):
                found = (made_up.shape, made_up.dtype, made_up.device)
                demand(found == wanted, f"{dtype} outputs on {device} are {what} as {found}, not {wanted}.")


def kept_outputs_come_back_unchanged(specimen: Specimen) -> None:
    """A token that was computed has the output that was computed for it, and nothing changes where all are kept."""
    for removed in (0, 10):
        part, made, dense = specimen.make(), reduction(3, removed=removed), features()
        memory = memory_for(part, dense)
        observe(part, dense.clone(), made, memory)
        kept = features(tokens=made.computed, seed=2)
        got = recover(part, kept.clone(), made, memory)
        back = torch.stack([row[positions] for row, positions in zip(got, made.kept, strict=True)])
        demand(same(back, kept), f"with {removed} tokens removed, outputs of kept tokens are not what was computed.")
