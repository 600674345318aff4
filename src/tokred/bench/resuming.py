"""Which run an unfinished benchmark can be resumed by."""

from __future__ import annotations

import dataclasses

from tokred.bench.environment import Device, Versions
from tokred.bench.lineup import Lineup
from tokred.bench.result import Results
from tokred.bench.settings import Settings
from tokred.errors import SpecError


def check_resumable(
    earlier: Results, model: str, settings: Settings, here: tuple[Versions, Device], lineup: Lineup
) -> None:
    """Refuse to go on with results of another run.

    Raises:
        SpecError: the model, a setting, a version, the device or the runs are not the same.
    """
    ran = [*(row.label for row in earlier.rows), *(failed.label for failed in earlier.failed), *earlier.pending]
    before = {
        "model": earlier.model,
        **_fields(earlier.settings, earlier.versions, earlier.device),
        "runs": sorted(ran),
    }
    now = {"model": model, **_fields(settings, *here), "runs": sorted(lineup.labels)}
    for name, value in now.items():
        if before[name] != value:
            raise SpecError(
                f"The results that are to be resumed have {name} {before[name]}, and this run {value}. Ask for the "
                "same, or begin anew by --overwrite."
            )


def _fields(*records: Settings | Versions | Device) -> dict[str, object]:
    """Return all fields but the command, which may name the folder in another way."""
    found = {field: value for record in records for field, value in dataclasses.asdict(record).items()}
    return {field: value for field, value in found.items() if field != "command"}
