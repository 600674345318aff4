"""Options that say which model a command takes and what it is asked for, the same for all commands."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokred.errors import SpecError

if TYPE_CHECKING:
    from tokred.bench.sources import Source

DRAWS = typer.Option(
    metavar="NAME|FOLDER|HUB/NAME|MODULE:FUNCTION",
    help="Trained model that draws, see `tokred models`; the folder of a pipeline, or its name on the Hugging Face "
    "hub; or a function that returns a pipeline.",
)
Prompts = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Prompts for your pipeline: one per line, or in a .jsonl an object of arguments per line.",
    ),
]
Size = Annotated[
    str | None, typer.Option(metavar="HxW", help="Height and width of the pictures that your pipeline draws.")
]
Frames = Annotated[int | None, typer.Option(help="Frames of the videos that your pipeline makes.")]
Call = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="Argument for every call of your pipeline, such as guidance_scale=3.5."),
]
Dtype = Annotated[str, typer.Option(metavar="NAME", help="Data type of the model: float32, bfloat16 or float16.")]
Revision = Annotated[str | None, typer.Option(metavar="NAME", help="Branch, tag or commit of a model on the hub.")]
Variant = Annotated[str | None, typer.Option(metavar="NAME", help="Variant of your pipeline's files, such as fp16.")]
Offload = Annotated[
    str,
    typer.Option(
        metavar="none|model|group",
        help="What stays on the CPU until it is called: whole models of your pipeline, or groups of their layers.",
    ),
]
Batch = Annotated[int | None, typer.Option(help="Samples per call of your model.")]
Device = Annotated[str, typer.Option(help="Where the model computes: cpu, cuda, cuda:1, mps.")]
Engine = Annotated[
    str,
    typer.Option(
        metavar="here|ray|accelerate",
        help="What measures: this process; Ray workers, on this machine or a cluster; or the processes that "
        "`accelerate launch` started.",
    ),
]
Workers = Annotated[
    int | None, typer.Option(help="Number of Ray workers. Default: one for each GPU, or for each CPU without a GPU.")
]
Address = Annotated[
    str | None, typer.Option(metavar="HOST:PORT|auto", help="Address of a running Ray cluster. Default: this machine.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would run and for how long, by one dense sample; write nothing.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in DIR.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Remove the files of an earlier run in DIR.")]
Steps = Annotated[int | None, typer.Option(help="Denoising steps. Default: what the model is meant for.")]


def source_of(context: typer.Context, **more: Any) -> Source:
    """Return the model that a command was given, from those of its options that say so.

    Raises:
        SpecError: if an option cannot be read.
    """
    from tokred.bench.sources import Source

    names = {each.name for each in dataclasses.fields(Source)} & context.params.keys()
    given = {name: context.params[name] for name in names}
    if given.get("prompts"):
        given["prompts"] = Path(given["prompts"])
    return Source(**given | {"size": size(given.get("size")), "call": call(given.get("call") or ())} | more)


def size(text: str | None) -> tuple[int, int] | None:
    """Read HxW, height and width in pixels.

    Raises:
        SpecError: if it is no size.
    """
    if text is None:
        return None
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise SpecError(f"--size {text} must be height and width in pixels, such as 768x1024.")
    return int(height), int(width)


def call(texts: Sequence[str]) -> dict[str, Any]:
    """Read key=value of each text; a value is a number, true, false or null as JSON has them, or else text.

    Raises:
        SpecError: if one has no value.
    """
    given: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.isidentifier() and equals):
            raise SpecError(f"--call {text} must be NAME=VALUE, such as guidance_scale=3.5.")
        try:
            given[name] = json.loads(value)
        except ValueError:
            given[name] = value
    return given
