"""The folder of a benchmark while it runs: what it has so far, so that nothing is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from tokred.bench.files import make_folder, replacing, writing
from tokred.bench.result import Results
from tokred.bench.result_file import read_results, write_results
from tokred.bench.view import Exhibit
from tokred.engine.token_map import TokenMap
from tokred.errors import OutputError

FILE = "results.json"
UNFINISHED, TRIALS = "unfinished", "trials.jsonl"
"""Folder beside the results for what only an unfinished run needs."""
WRITTEN = (
    FILE,
    "comparisons.json",
    "method.json",
    "strip.png",
    "report.html",
    *(f"{n}.{x}" for n in ("pareto", "gains") for x in ("png", "svg")),
)
"""All files that commands write into such a folder."""
Found = Literal["refuse", "resume", "overwrite"]
"""What becomes of results that are there already."""


class Journal:
    """Keeps what a benchmark has so far, file by file, each whole or not at all; without a folder it keeps nothing.

    Args:
        folder: of the results; made where it does not exist.
        found: what to do with results that are there: "refuse" them, "resume" their run, or "overwrite" them.
        looks: whether it only looks at what is there, and neither makes nor removes a file.

    Attributes:
        earlier: results so far of the run that is resumed; None where there are none.

    Raises:
        OutputError: if the folder cannot be written to, or holds results that are refused.
        SpecError: if the results that are to be resumed cannot be read.
    """

    def __init__(self, folder: Path | None = None, found: Found = "refuse", *, looks: bool = False) -> None:
        self.folder = folder
        self.earlier: Results | None = None
        if folder is None:
            return
        if not looks:
            make_folder(folder)
        file = folder / FILE
        if found == "overwrite":
            self.folder = None if looks else folder
            if not looks:
                clear(folder)
        elif found == "refuse" and (file.exists() or (folder / UNFINISHED).exists()):
            raise OutputError(
                f"--out {folder} holds results of another run. Name another folder, go on with that run by --resume, "
                "or remove its files by --overwrite."
            )
        elif file.exists():
            self.earlier = read_results(file)

    def keep(self, results: Results) -> None:
        """Write the results so far, and take away what is no longer needed where they are complete."""
        if self.folder:
            write_results(results, self.folder / FILE)
            if not results.pending:
                shutil.rmtree(self.folder / UNFINISHED, ignore_errors=True)

    def keep_dense(self, batches: Sequence[torch.Tensor]) -> None:
        """Write the dense outputs `[B, ...]` of each batch."""
        if self.folder:
            self._save("dense", {str(place): batch.contiguous() for place, batch in enumerate(batches)})

    def dense(self) -> list[torch.Tensor] | None:
        """Return the dense outputs of each batch; None where they are not there."""
        path = self._path("dense")
        if not path or not path.exists():
            return None
        with safe_open(path, "pt") as file:
            return [file.get_tensor(str(place)) for place in range(len(file.keys()))]

    def keep_exhibit(self, place: int, exhibit: Exhibit) -> None:
        """Write what is shown of a run, the `place`-th."""
        if self.folder:
            tensors = {f"kept {shown.step}": shown.kept for shown in exhibit.tokens}
            sites = json.dumps({shown.step: shown.site for shown in exhibit.tokens})
            said = {"name": exhibit.name, "label": exhibit.label, "values": json.dumps(exhibit.values), "sites": sites}
            self._save(f"exhibit-{place:04}", tensors | {"pictures": exhibit.pictures.contiguous()}, said)

    def exhibits(self) -> Iterator[Exhibit]:
        """Yield what was kept to be shown, in order."""
        for path in sorted((self.folder / UNFINISHED).glob("exhibit-*")) if self.folder else ():
            with safe_open(path, "pt") as file:
                said = file.metadata()
                sites = json.loads(said["sites"]).items()
                tokens = tuple(TokenMap(int(step), site, file.get_tensor(f"kept {step}")) for step, site in sites)
                values = tuple(json.loads(said["values"]))
                yield Exhibit(said["name"], said["label"], file.get_tensor("pictures"), values, tokens)

    def keep_trial(self, trial: Mapping[str, Any], found: Sequence[float]) -> None:
        """Append what was found by something that was tried, to a file of lines."""
        if self.folder:
            path = self.folder / UNFINISHED / TRIALS
            make_folder(path.parent)
            with writing(path), path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([trial, found]) + "\n")

    def trials(self) -> dict[str, list[float]]:
        """Return what was found so far, by what was tried, as JSON; a line that was not written whole is left out."""
        path = self.folder / UNFINISHED / TRIALS if self.folder else None
        known = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path and path.exists() else ():
            with suppress(ValueError):
                trial, found = json.loads(line)
                known[json.dumps(trial)] = found
        return known

    def _path(self, name: str) -> Path | None:
        return self.folder / UNFINISHED / f"{name}.safetensors" if self.folder else None

    def _save(self, name: str, tensors: dict[str, torch.Tensor], said: dict[str, str] | None = None) -> None:
        path = self._path(name)
        assert path
        make_folder(path.parent)
        with replacing(path) as temporary:
            save_file(tensors, temporary, metadata=said)


def clear(folder: Path) -> None:
    """Remove what commands wrote into a folder, and nothing else."""
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    for name in WRITTEN:
        (folder / name).unlink(missing_ok=True)
