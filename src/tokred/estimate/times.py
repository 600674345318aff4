"""From counts to seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from tokred.estimate.counting import Kernel, Work
from tokred.estimate.devices import Device

PRODUCT, ATTENTION, BANDWIDTH = 0.65, 0.45, 0.7
"""What is reached of a device's figures in matrix products, in fused attention, and in moving bytes."""
LEAST = 3e-6
"""Seconds that the smallest operation takes on a device."""
VIEW, ASIDE = 0.3, 0.5
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
    """

    host: float
    arithmetic: float
    moving: float
    operations: int

    @property
    def seconds(self) -> float:
        """How long it takes: the host runs ahead of the device, or the device waits for the host."""
        return max(self.host, self.arithmetic + self.moving)

    @property
    def limit(self) -> str:
        """What it takes so long for."""
        if self.host > self.arithmetic + self.moving:
            return f"host: {self.operations:,} operations"
        return "arithmetic" if self.arithmetic > self.moving else "memory"


def times(work: Work, device: Device, compiled: bool = False) -> Times:
    """Say how long a piece of work takes on a device."""
    kernels = list(_fused(work.kernels)) if compiled else work.kernels
    products = sum(_seconds(kernel, device) for kernel in kernels if kernel.flops)
    others = sum(_seconds(kernel, device) for kernel in kernels if not kernel.flops)
    start = device.start * (COMPILED_START if compiled else 1.0)
    aside = 0.0 if compiled else VIEW * work.views
    return Times(start * (len(kernels) + aside + ASIDE * work.aside), products, others, len(kernels))


def _seconds(kernel: Kernel, device: Device) -> float:
    """Say how long one operation takes on a device."""
    rate = (device.half if kernel.half else device.single) * (ATTENTION if kernel.name == "attention" else PRODUCT)
    return max(kernel.flops / rate, kernel.bytes / (BANDWIDTH * device.bandwidth), LEAST)


def _fused(kernels: list[Kernel]) -> Iterator[Kernel]:
    """Take operations between two products for one, that reads and writes as much as the largest of them."""
    for is_product, group in groupby(kernels, key=lambda kernel: bool(kernel.flops)):
        run = list(group)
        yield from run if is_product else [max(run, key=lambda kernel: kernel.bytes)]
