"""The figures of the device that is here."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import torch

from tokred.bench.environment import Device as Machine
from tokred.bench.measure import seconds
from tokred.estimation.asked import find_model
from tokred.estimation.counts import count
from tokred.estimation.devices import Device
from tokred.estimation.released import pretended
from tokred.estimation.times import starts
from tokred.estimation.workbench import Workbench
from tokred.interfaces import Phase

ENOUGH = 5e-3
"""Seconds after which a piece of work is large enough: starting it takes a thousandth of that."""
REPEATS = 7
LARGEST = 8192
"""Rows of matrices, tokens in attention, and thousands of numbers that are added, at most."""
HEADS, WIDTH = 16, 64
STARTED, PIXELS = "dit-xl-2", 64
"""The model that is called at tiny size, where the host's part is nearly all that it takes."""
CALLS = 20


def measure(device: torch.device) -> Device:
    """Measure the figures of a device, in less than a minute."""
    cuda = device.type == "cuda"
    half, single = (_rate(_product, device, dtype) for dtype in (torch.bfloat16, torch.float32))
    attention = _rate(_attention, device, torch.bfloat16 if cuda else torch.float32)
    return Device(
        name=Machine.of(device).name,
        half=half,
        single=single,
        bandwidth=_rate(_sum, device, torch.float32),
        memory=float(torch.cuda.mem_get_info(device)[1] if cuda else _memory()),
        start=_start(device),
        product=1.0,
        attention=attention / (half if cuda else single),
        moving=1.0,
        least=Device.least if cuda else 0.0,
        ahead=cuda,
    )


Work = tuple[Callable[[], object], float]
"""A piece of work, and how much it is: operations, or bytes."""


def _rate(work: Callable[[int, torch.device, torch.dtype], Work], device: torch.device, dtype: torch.dtype) -> float:
    """Return how much is done in a second, in the first piece of work that takes long enough."""
    size = 128
    while True:
        call, amount = work(size, device, dtype)
        call()
        taken = _least(call)
        if taken >= ENOUGH or size >= LARGEST:
            return amount / taken
        size *= 2


def _product(size: int, device: torch.device, dtype: torch.dtype) -> Work:
    a = torch.randn(size, size, device=device, dtype=dtype)
    return partial(torch.mm, a, a), 2.0 * size**3


def _attention(size: int, device: torch.device, dtype: torch.dtype) -> Work:
    x = torch.randn(1, HEADS, size, WIDTH, device=device, dtype=dtype)
    return partial(torch.nn.functional.scaled_dot_product_attention, x, x, x), 4.0 * HEADS * size**2 * WIDTH


def _sum(size: int, device: torch.device, dtype: torch.dtype) -> Work:
    x = torch.randn(1024 * size, device=device, dtype=dtype)
    made = torch.empty_like(x)
    return partial(torch.add, x, x, out=made), 2.0 * x.numel() * x.element_size()


@torch.no_grad()
def _start(device: torch.device) -> float:
    """Return the seconds in which the host starts one operation of a model, with all that Python does around it."""
    model = find_model(STARTED)
    work = count(pretended(model, PIXELS, 1, tiny=True), None).work[Phase.DENSE.value]
    subject = Workbench(str(device), tiny=True, steps=1).subject(model, PIXELS)
    subject.step(0)
    taken = _least(lambda: [subject.step(0) for _ in range(CALLS)])
    return taken / CALLS / starts(work, work.operations)


def _least(call: Callable[[], object]) -> float:
    """Return the least of several times: other programs only add to it."""
    return min(seconds(call) for _ in range(REPEATS))


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
