"""What pipelines are asked for: prompts and pictures from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from tokred.errors import SpecError

ARE_FILES = ("image", "mask_image", "control_image")
"""Arguments of a pipeline that a line of prompts gives as the path of a picture."""


def read_prompts(path: Path) -> list[str | dict[str, Any]]:
    """Read what a pipeline is asked for: a prompt a line; in a .jsonl an object a line, its keys arguments of the call.

    Paths of pictures are relative to the file.

    Raises:
        SpecError: if the file cannot be read, is empty, or has a line that says nothing.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"--prompts {path} cannot be read: {error}. Name a text file.") from error
    if not lines:
        raise SpecError(f"--prompts {path} is empty. Write a prompt a line.")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise SpecError(f"--prompts {path}, line {number} is empty. Take it out.")
    if path.suffix != ".jsonl":
        return [line.strip() for line in lines]
    return [_request(path, number, line) for number, line in enumerate(lines, 1)]


def _request(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise SpecError(f"--prompts {path}, line {number} is not valid JSON: {error}.") from error
    if not isinstance(request, dict):
        raise SpecError(f'--prompts {path}, line {number} must be an object such as {{"prompt": "a fox"}}, not {line}.')
    return {name: _opened(path, value) if name in ARE_FILES else value for name, value in request.items()}


def _opened(path: Path, name: str) -> Image.Image:
    try:
        return Image.open(path.parent / name).convert("RGB")
    except OSError as error:
        raise SpecError(f"--prompts {path} names the picture {name}, which cannot be read: {error}.") from error
