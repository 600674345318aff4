"""Wheels and what they ask for, alone: `python tests/wheel_environment.py ENVIRONMENT WHEEL...`.

What they ask for is linked from the environment that runs this, which pip has made by the same requirements: unpacking
torch again takes longer than all that is tried with it. Nothing else that is installed there is seen.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def requirements(of: Distribution, extras: set[str]) -> Iterator[Requirement]:
    """Yield what a distribution asks for, with some extras."""
    for line in of.requires or ():
        asked = Requirement(line)
        if asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield asked


def needed(wheels: list[Distribution]) -> list[Distribution]:
    """List the installed distributions that the wheels ask for, and those that these ask for."""
    known = {canonicalize_name(wheel.name): wheel for wheel in wheels}
    found, seen, waiting = [], set(), [asked for wheel in wheels for asked in requirements(wheel, set())]
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        if (name, *sorted(asked.extras)) in seen:
            continue
        seen.add((name, *sorted(asked.extras)))
        if name not in known:
            known[name] = distribution(name)
            found.append(known[name])
        if not asked.specifier.contains(known[name].version, prereleases=True):
            sys.exit(f"{name} is {known[name].version}, and {asked} is asked for.")
        waiting += requirements(known[name], asked.extras)
    return found


def link(each: Distribution, site: Path) -> None:
    """Make what a distribution has installed be seen in another folder of packages."""
    for first in {file.parts[0] for file in each.files or ()} - {"..", "__pycache__"}:
        if not (site / first).exists():
            (site / first).symlink_to(Path(str(each.locate_file(first))).resolve())


def main(folder: Path, wheels: list[str]) -> None:
    venv.create(folder, clear=True, symlinks=True)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", *wheels], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    try:
        asked_for = needed(list(distributions(path=[str(site)])))
    except PackageNotFoundError as error:
        sys.exit(f"{error.name} is asked for, and is not installed here.")
    for each in [*asked_for, distribution("pip")]:
        link(each, site)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
