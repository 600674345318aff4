"""What a benchmark ran on."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Self

import torch


@dataclass(frozen=True)
class Versions:
    """Versions of what computed the results.

    Attributes:
        tokred: of this package.
        python: of the interpreter.
        torch: of PyTorch.
        diffusers: of diffusers.
        timm: of timm.
        commit: the git commit that tokred ran from, with "-dirty" after it where files differ from it; None where
            tokred was installed and not run from a checkout.
    """

    tokred: str
    python: str
    torch: str
    diffusers: str
    timm: str
    commit: str | None

    @classmethod
    def here(cls) -> Self:
        """Look up the versions of this process."""
        packages = {name: metadata.version(name) for name in ("tokred", "torch", "diffusers", "timm")}
        return cls(python=platform.python_version(), commit=_commit(), **packages)


@dataclass(frozen=True)
class Device:
    """The machine.

    Attributes:
        type: "cpu" or "cuda", where the model computed.
        name: of that processor.
        cores: logical cores of the machine.
        threads: threads that PyTorch used on the CPU.
    """

    type: str
    name: str
    cores: int
    threads: int

    @classmethod
    def of(cls, device: torch.device) -> Self:
        """Describe `device` and the machine that it is in."""
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
        return cls(device.type, name, os.cpu_count() or 1, torch.get_num_threads())


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _commit() -> str | None:
    """Return the commit of the checkout that this file is tracked in."""
    tracked = _git("ls-files", "--error-unmatch", Path(__file__).name)
    return _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") if tracked else None


def _git(*arguments: str) -> str | None:
    """Return what git says in this file's folder, or None where it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
