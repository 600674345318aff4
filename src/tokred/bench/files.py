"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from tokred.errors import OutputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; what was written there takes its place at the end of the `with` block.

    Where the block fails, `path` is as it was and nothing is left behind.

    Raises:
        OutputError: if the file cannot be written.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        with writing(path):
            yield temporary
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one sentence that a file cannot be written, for want of rights or of room, inside the `with` block.

    Raises:
        OutputError: likewise.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path} cannot be written: {error}. Name a folder that you may write to.") from error


def check_file(path: Path) -> None:
    """Raise `OutputError` unless a file can be written to `path`, in a folder that exists."""
    if path.is_dir():
        raise OutputError(f"--out {path} is a folder. Name a file.")
    if not path.parent.is_dir():
        raise OutputError(f"--out {path}: there is no folder {path.parent}. Make it first, or name another.")
    make_folder(path.parent)  # it is there; this tries whether files can be written to it


def make_folder(folder: Path) -> None:
    """Make `folder` where it does not exist, and try whether files can be written there.

    Raises:
        OutputError: if it is a file, or cannot be made or written to.
    """
    probe = folder / f".{os.getpid()}.probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        why = "it is a file" if folder.is_file() else str(error)
        raise OutputError(f"--out {folder}: {why}. Name a folder that you may write to, or a new one.") from error
