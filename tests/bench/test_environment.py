"""What the results say of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import diffusers
import pytest
import timm
import torch

from tokred.bench import environment
from tokred.bench.environment import Device, Versions


def test_versions_are_those_imported() -> None:
    here = Versions.here()
    assert (here.torch, here.diffusers, here.timm) == (
        torch.__version__.split("+")[0],
        diffusers.__version__,
        timm.__version__,
    )


def test_the_device() -> None:
    device = Device.of(torch.device("cpu"))
    assert (device.type, device.cores, device.threads) == ("cpu", os.cpu_count(), torch.get_num_threads())
    assert device.name


def test_the_commit_is_that_of_the_checkout_that_tracks_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "environment.py"
    package.touch()
    monkeypatch.setattr(environment, "__file__", str(package))
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    assert Versions.here().commit is None
    environment._git("init", "--quiet")
    environment._git(*identity, "commit", "--quiet", "--allow-empty", "-m", "first")
    assert Versions.here().commit is None  # installed into somebody else's checkout
    environment._git("add", package.name)
    environment._git(*identity, "commit", "--quiet", "-m", "second")
    commit = environment._git("rev-parse", "HEAD")
    assert commit is not None
    assert Versions.here().commit == commit
    package.write_text("changed")
    assert Versions.here().commit == f"{commit}-dirty"
