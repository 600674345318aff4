"""What has been measured, one JSON file each, so that a later call goes on where this one stopped."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from jobs import Job
from tokred.bench.environment import Device, Versions
from tokred.bench.files import make_folder, replacing


@dataclass(frozen=True)
class Record:
    """What became of a job.

    Attributes:
        part: see `Job`.
        what: see `Job`.
        like: see `Job`.
        size: see `Job`.
        result: what it measured; None where it failed.
        error: why it failed.
        trace: where it failed.
        seconds: how long it took; None where it failed.
        date: when it was over.
        device: the machine.
        versions: of what computed it.
    """

    part: str
    what: dict[str, Any]
    like: str
    size: float
    result: dict[str, Any] | None
    error: str | None
    trace: str | None
    seconds: float | None
    date: str
    device: dict[str, Any]
    versions: dict[str, Any]


class Records:
    """All records of a folder: `folder / part / *.json`.

    Args:
        folder: is made where it does not exist.
        device: "cuda" or "cpu".
    """

    def __init__(self, folder: Path, device: str) -> None:
        make_folder(folder)
        self.folder = folder
        self._device = asdict(Device.of(torch.device(device)))
        self._versions = asdict(Versions.here())
        self._records = {path: Record(**json.loads(path.read_text())) for path in sorted(folder.glob("*/*.json"))}

    def all(self) -> list[Record]:
        """Return every record."""
        return list(self._records.values())

    def has(self, job: Job) -> bool:
        """Say whether exactly this job is recorded, whatever became of it."""
        record = self._records.get(self.path(job))
        return record is not None and record.what == job.what

    def write(
        self,
        job: Job,
        *,
        result: dict[str, Any] | None = None,
        seconds: float | None = None,
        error: str | None = None,
        trace: str | None = None,
    ) -> None:
        """Record a job, at once and whole; see `Record`."""
        record = Record(
            part=job.part,
            what=dict(job.what),
            like=job.like,
            size=job.size,
            result=result,
            error=error,
            trace=trace,
            seconds=seconds,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            device=self._device,
            versions=self._versions,
        )
        path = self.path(job)
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(asdict(record), indent=1) + "\n")
        self._records[path] = record

    def path(self, job: Job) -> Path:
        """Return where a job is recorded: a name of letters, digits, dots, dashes and underscores."""
        words = [re.sub(r"[^A-Za-z0-9.]+", "-", str(value)) for value in job.what.values()]
        return self.folder / job.part / f"{'_'.join(words)}.json"
