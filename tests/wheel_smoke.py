"""What users do first with the installed wheel; run outside the repository, see `make wheel-smoke`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import tokred
from tokred.scaffold import KINDS

ROOT = Path(__file__).parents[1]
TOKRED = Path(sys.executable).parent / "tokred"
SIZE = ("--steps", "4", "--samples", "2", "--pairs", "1")


def run(*arguments: str, status: int = 0) -> str:
    wide = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run([TOKRED, *arguments], check=False, capture_output=True, text=True, env=wide)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def install(*packages: str) -> None:
    """Install into this environment as a user does."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "-c", str(ROOT / "constraints.txt"), *packages], check=True)


def test(folder: Path, *packages: Path) -> None:
    """Run packages' own tests in one process, which imports tokred, torch and diffusers once."""
    alone = ["-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider"]
    tests = [str(package / "tests") for package in packages]
    subprocess.run([sys.executable, "-m", "pytest", "-q", *alone, *tests], check=True, cwd=folder)


def bench(method: str, out: Path) -> None:
    run("bench", "--model", "emoji-dit", "--method", method, *SIZE, "--out", str(out))
    rows = json.loads((out / "results.json").read_text())["rows"]
    assert {row["method"] for row in rows} == {method.partition(":")[0]}
    assert all(0 < row["compute"] < 1 for row in rows)


def the_extras() -> None:
    """Use tokred's core, and add one extra after the other; those of libraries that are large are resolved only."""
    assert subprocess.run([sys.executable, ROOT / "tests" / "core_alone.py"], check=False).returncode == 2
    assert "pip install 'tokred[cli]'" in run("methods", status=2)
    install("tokred[cli]")
    assert "dito" in run("methods")
    assert "pip install 'tokred[bench]'" in run("check", "dito", status=1)
    install("--dry-run", "tokred[pandas,ray]")
    install("tokred[plot]")
    install(str(next((ROOT / "dist").glob("tokred_zoo-*.whl"))), "tokred[zoo]")


def a_user(folder: Path) -> None:
    """Do what the README says."""
    assert "dito" in run("methods")
    assert "emoji-dit" in run("models")
    assert f"tokred {tokred.__version__}" in run("plugins")
    bench("dito:ratio=0.5", folder / "dito")


def an_author(folder: Path) -> None:
    """Do what "Ship a plugin" says."""
    run("new-plugin", "tokred-hello", "--kind", "method", "--folder", str(folder))
    install(str(folder / "tokred-hello"))
    assert "tokred_hello.hello:hello" in run("plugins")
    print(run("check", "hello"), end="")
    bench("hello", folder / "hello")


def every_kind(folder: Path) -> None:
    """Write, install and test a package of every kind, and the example of the docs."""
    names = [f"tokred-a-{kind}" for kind in KINDS]
    for name, kind in zip(names, KINDS, strict=True):
        run("new-plugin", name, "--kind", kind, "--folder", str(folder))
    packages = [*(folder / name for name in names), ROOT / "docs" / "examples" / "tokred-example"]
    install("pytest", "hatchling")
    install("--no-build-isolation", *map(str, packages))  # `an_author` has tried it with
    listed = run("plugins")
    assert all(name in listed for name in [*names, "tokred-example"]), listed
    test(folder, *packages)


def main() -> None:
    assert "site-packages" in tokred.__file__, f"{tokred.__file__} is not the installed wheel"
    with tempfile.TemporaryDirectory() as folder:
        the_extras()
        a_user(Path(folder))
        an_author(Path(folder))
        every_kind(Path(folder))
    print(f"tokred {tokred.__version__}: the wheel works")


if __name__ == "__main__":
    main()
