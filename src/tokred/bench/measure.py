"""What a generation costs: its operations and its time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode


def count_flops(generate: Callable[[], object]) -> int:
    """Count the floating point operations of a call, whatever it computes; a multiply-add counts 2.

    Counted are matrix products, convolutions and attention, matching included. As in PyTorch's counter, operations
    on single elements, sorting and copying count nothing.
    """
    with FlopCounterMode(display=False) as counter:
        generate()
    return int(counter.get_total_flops())


def seconds(generate: Callable[[], object]) -> float:
    """Take the wall time of a call, in seconds, up to the end of what it started on a CUDA device."""
    _synchronize()
    start = time.perf_counter()
    generate()
    _synchronize()
    return time.perf_counter() - start


def timed_pairs(dense: Callable[[], float], other: Callable[[], float], pairs: int) -> list[tuple[float, float]]:
    """Time two things in turns, A B A B ..., after one run of each that does not count.

    Alternating keeps what changes slowly, such as heat or another program, out of the ratio of a pair.

    Args:
        dense: does the first thing and returns its time in seconds.
        other: does the second thing and returns its time in seconds.
        pairs: number of pairs, at least 1.

    Returns:
        The times of each pair.
    """
    dense(), other()
    return [(dense(), other()) for _ in range(pairs)]


def reset_peak(device: torch.device) -> None:
    """Begin to watch how much memory is held on a CUDA device; on others nothing is watched."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int | None:
    """Return the most memory that PyTorch held on a CUDA device since `reset_peak`; None on others."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def release_memory() -> None:
    """Give memory back that nothing holds any more, such as after an error for want of it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
