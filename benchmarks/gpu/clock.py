"""How long the steps of a loop take, and how much memory they need."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch


def milliseconds(calls: Sequence[Callable[[], Any]], device: torch.device) -> list[float]:
    """Make the calls one after the other and take the time of each.

    On a CUDA device events stand between the calls, and nothing waits before the last one has ended; elsewhere it is
    wall time.
    """
    if device.type == "cuda":
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(len(calls) + 1)]  # type: ignore[no-untyped-call]
        marks[0].record()
        for call, mark in zip(calls, marks[1:], strict=True):
            call()
            mark.record()
        torch.cuda.synchronize(device)
        return [before.elapsed_time(after) for before, after in pairwise(marks)]
    times = [time.perf_counter()]
    for call in calls:
        call()
        times.append(time.perf_counter())
    return [1000 * (after - before) for before, after in pairwise(times)]


def by_phase(phases: Sequence[str], rounds: Sequence[Sequence[float]]) -> dict[str, dict[str, Any]]:
    """Put the times of equal steps together: median and quartiles of each phase, in milliseconds."""
    times: dict[str, list[float]] = defaultdict(list)
    for one in rounds:
        for phase, duration in zip(phases, one, strict=True):
            times[phase].append(duration)
    return {phase: _spread(values) for phase, values in times.items()}


def _spread(values: list[float]) -> dict[str, Any]:
    q1, median, q3 = torch.tensor(values).quantile(torch.tensor([0.25, 0.5, 0.75])).tolist()
    return {"median": median, "q1": q1, "q3": q3, "times": values}


def reset_peak(device: torch.device) -> None:
    """Begin to watch the memory."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int | None:
    """Return the most memory that was in use at once, weights included; None on the CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
