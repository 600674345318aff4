"""Options that say which model a command takes and what it is asked for, the same for all commands."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer

from tokred.errors import SpecError

if TYPE_CHECKING:
    from tokred.bench.sources import Source

Command = TypeVar("Command", bound=Callable[..., None])

DRAWS = typer.Option(
    metavar="NAME|FOLDER|HUB/NAME|MODULE:FUNCTION",
    help="Trained model that draws, see `tokred models`; the folder of a pipeline, or its name on the Hugging Face "
    "hub; or a function that returns a pipeline.",
)
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


def of_models(
    *,
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Prompts for your pipeline: one per line, or in a .jsonl an object of arguments per line.",
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Height and width of the pictures that your pipeline draws.")
    ] = None,
    frames: Annotated[int | None, typer.Option(help="Frames of the videos that your pipeline makes.")] = None,
    call: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="Argument for every call of your pipeline, such as guidance_scale=3.5."
        ),
    ] = None,
    dtype: Annotated[
        str, typer.Option(metavar="NAME", help="Data type of the model: float32, bfloat16 or float16.")
    ] = "float32",
    revision: Annotated[
        str | None, typer.Option(metavar="NAME", help="Branch, tag or commit of a model on the hub.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Variant of your pipeline's files, such as fp16.")
    ] = None,
    offload: Annotated[
        str,
        typer.Option(
            metavar="none|model|group",
            help="What stays on the CPU until it is called: whole models of your pipeline, or groups of their layers.",
        ),
    ] = "none",
    batch: Annotated[int | None, typer.Option(help="Samples per call of your model.")] = None,
    device: Annotated[str, typer.Option(help="Where the model computes: cpu, cuda, cuda:1, mps.")] = "cpu",
) -> None:
    """Say where a model comes from and what it is asked for, in every command that takes one."""


def takes_models(*without: str) -> Callable[[Command], Command]:
    """Give a command the options of `of_models`, but for some that mean nothing to it; `source_of` reads them."""

    def decorate(command: Command) -> Command:
        own, shared = (inspect.signature(each, eval_str=True).parameters for each in (command, of_models))

        @wraps(command)
        def taking(**given: Any) -> None:
            command(**{name: value for name, value in given.items() if name in own})

        parameters = [*own.values(), *(each for each in shared.values() if each.name not in {*own, *without})]
        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
        taking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        taking.__annotations__ = {each.name: each.annotation for each in parameters}
        return cast(Command, taking)

    return decorate


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
