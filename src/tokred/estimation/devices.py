"""The few figures of a device that say how long a piece of work takes on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tokred.bench.json_file import read_json, write_json
from tokred.errors import SpecError
from tokred.plain import read_plain


@dataclass(frozen=True)
class Device:
    """What a device does at most, what of that models reach, and how fast its host starts operations.

    The shares that are reached, and what an operation takes at least, were fitted to one H200, whose figures are those
    of its data sheet.

    Attributes:
        name: of the device.
        half: FLOP/s in half precision, dense, summed in float32.
        single: FLOP/s in float32, without TF32, as PyTorch computes by default.
        bandwidth: of its memory, bytes/s.
        memory: bytes.
        start: seconds in which the host starts one operation.
        product: share of the FLOP/s that matrix products and convolutions reach.
        attention: share of them that fused attention reaches.
        moving: share of the bandwidth that all else reaches.
        least: seconds that the smallest operation takes on the device.
        ahead: whether the host starts operations while the device computes; a CPU does one after the other.
    """

    name: str
    half: float
    single: float
    bandwidth: float
    memory: float
    start: float = 17e-6
    product: float = 0.55
    attention: float = 0.35
    moving: float = 0.45
    least: float = 2.5e-6
    ahead: bool = True

    @classmethod
    def read(cls, path: str | Path) -> Device:
        """Read what `write` wrote.

        Raises:
            SpecError: if it is not a device.
        """
        written_by = "a file that `tokred estimate --measure` wrote"
        made: Device = read_plain(cls, read_json(path, written_by), str(path))
        return made

    def write(self, path: str | Path) -> None:
        """Write the figures as JSON.

        Raises:
            OutputError: if that is impossible.
        """
        write_json(self, path)


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


def named(name: str) -> Device | None:
    """Return the device that CUDA calls by a name, such as "NVIDIA GeForce RTX 4090"; None for others."""
    words = re.sub("[^a-z0-9]+", " ", name.lower()).replace("rtx ", "rtx").split()
    return next((device for key, device in DEVICES.items() if key in words), None)


def find_device(device: str | Path | Device) -> Device:
    """Return the device of that name, of a file whose name ends in .json, or the one that is given.

    Raises:
        SpecError: if there is none.
    """
    if isinstance(device, Device):
        return device
    name = str(device)
    if name.endswith(".json"):
        return Device.read(name)
    if name.lower() not in DEVICES:
        raise SpecError(
            f"device={name!r} is not known. Known: {', '.join(DEVICES)}; or a file that `tokred estimate --measure` "
            "wrote, whose name ends in .json."
        )
    return DEVICES[name.lower()]
