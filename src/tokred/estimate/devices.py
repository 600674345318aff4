"""The few figures of a device that say how long a piece of work takes on it."""

from __future__ import annotations

from dataclasses import dataclass

from tokred.errors import SpecError


@dataclass(frozen=True)
class Device:
    """What a device does at most, by its maker's data sheet, and how fast its host starts operations.

    Attributes:
        name: of the device.
        half: FLOP/s in half precision, dense, summed in float32.
        single: FLOP/s in float32, without TF32, as PyTorch computes by default.
        bandwidth: of its memory, bytes/s.
        memory: bytes.
        start: seconds in which the host starts one operation.
    """

    name: str
    half: float
    single: float
    bandwidth: float
    memory: float
    start: float = 12e-6


def _device(name: str, half: float, single: float, bandwidth: float, memory: float) -> Device:
    """Make a device of TFLOP/s, GB/s and GB."""
    return Device(name, half * 1e12, single * 1e12, bandwidth * 1e9, memory * 1e9)


DEVICES = {
    device.name: device
    for device in (
        _device("h200", 989, 67, 4800, 141),
        _device("h100", 989, 67, 3350, 80),
        _device("a100", 312, 19.5, 2039, 80),
        _device("l40s", 362, 91.6, 864, 48),
        _device("rtx4090", 165, 82.6, 1008, 24),
        _device("rtx3090", 71, 35.6, 936, 24),
        _device("l4", 121, 30.3, 300, 24),
        _device("t4", 65, 8.1, 320, 16),
    )
}
"""By name."""


def find_device(device: str | Device) -> Device:
    """Return the device of that name, or the one that is given.

    Raises:
        SpecError: if there is none.
    """
    if isinstance(device, Device):
        return device
    if device.lower() not in DEVICES:
        raise SpecError(
            f"device={device!r} is not known. Known: {', '.join(DEVICES)}. Or give a tokred.estimate.Device."
        )
    return DEVICES[device.lower()]
