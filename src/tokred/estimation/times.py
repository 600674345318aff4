"""From counts to seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from tokred.estimation.counting import Kernel, Work
from tokred.estimation.devices import Device

VIEW, ASIDE = 0.3, 2.5
"""What an operation takes of the host that starts nothing on the device, or is on the host's own tensors; in starts."""
COMPILED_START = 0.15
"""What starting an operation takes of the host in compiled code, likewise."""


@dataclass(frozen=True)
class Times:
    """How long a piece of work takes.

    Attributes:
        host: seconds in which the host has started it all.
        arithmetic: seconds of matrix products, convolutions and attention on the device.
        moving: seconds of all else there.
        operations: that are started.
        ahead: whether the host starts operations while the device computes.
    """

    host: float
    arithmetic: float
    moving: float
    operations: int
    ahead: bool = True

    @property
    def seconds(self) -> float:
        """How long it takes: the host runs ahead of the device, or the device waits for the host."""
        computing = self.arithmetic + self.moving
        return max(self.host, computing) if self.ahead else self.host + computing

    @property
    def limit(self) -> str:
        """What it takes so long for."""
        if self.host > self.arithmetic + self.moving:
            return f"host: {self.operations:,} operations"
        return "arithmetic" if self.arithmetic > self.moving else "memory"

    def scaled(self, other: Times, power: float) -> Times:
        """Return this where `power` is 0, `other` where it is 1, and what powers of the size give in between."""
        host = _scaled(self.host, other.host, power)
        arithmetic = _scaled(self.arithmetic, other.arithmetic, power)
        moving = _scaled(self.moving, other.moving, power)
        return Times(host, arithmetic, moving, self.operations, self.ahead)


def _scaled(one: float, other: float, power: float) -> float:
    return one * (other / one) ** power if one and other else one


def times(work: Work, device: Device, compiled: bool = False) -> Times:
    """Say how long a piece of work takes on a device."""
    kernels = list(_fused(work.kernels)) if compiled else work.kernels
    products = sum(_seconds(kernel, device) for kernel in kernels if kernel.flops)
    others = sum(_seconds(kernel, device) for kernel in kernels if not kernel.flops)
    start = device.start * (COMPILED_START if compiled else 1.0)
    return Times(start * starts(work, len(kernels), compiled), products, others, len(kernels), device.ahead)


def starts(work: Work, operations: int, compiled: bool = False) -> float:
    """Say how many starts of an operation the host's part of a piece of work is worth."""
    return operations + (0.0 if compiled else VIEW * work.views) + ASIDE * work.aside


def _seconds(kernel: Kernel, device: Device) -> float:
    """Say how long one operation takes on a device."""
    reached = device.attention if kernel.name == "attention" else device.product
    rate = reached * (device.half if kernel.half else device.single)
    return max(kernel.flops / rate, kernel.bytes / (device.moving * device.bandwidth), device.least)


def _fused(kernels: list[Kernel]) -> Iterator[Kernel]:
    """Take operations between two products for one, that reads and writes as much as the largest of them."""
    for is_product, group in groupby(kernels, key=lambda kernel: bool(kernel.flops)):
        run = list(group)
        yield from run if is_product else [max(run, key=lambda kernel: kernel.bytes)]
