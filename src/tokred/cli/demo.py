"""`tokred demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokred.cli.options import DRAWS, Steps, source_of, takes_models
from tokred.errors import OutputError, SpecError

if TYPE_CHECKING:
    from tokred.demo import Comparison
    from tokred.method import Method


@takes_models("batch")
def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Picture to write: a .png in a folder that exists.")],
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="Class or prompt to draw; `tokred models MODEL` lists what a trained model knows. Default: what the "
            "seed stands for.",
        ),
    ] = None,
    model: Annotated[str, DRAWS] = "emoji-dit",
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME[:key=value,...]|FILE.json", help="Method; parameters that are not given have defaults."
        ),
    ] = "balanced",
    ratio: Annotated[float | None, typer.Option(help="The method's parameter of that name.")] = None,
    steps: Steps = None,
    seed: Annotated[int, typer.Option(help="Seed of both pictures.")] = 0,
) -> None:
    """Draw one picture densely and reduced: both, their difference, and what was not computed, in one PNG."""
    from tokred.demo import compare, write_demo

    label, reducing = _method(method, ratio)
    _check_out(out)
    if name is not None and (prompts := context.params["prompts"]):
        raise SpecError(f"{name!r} and --prompts {prompts} both say what is asked for: give one.")
    subject = source_of(context, **({} if name is None else {"prompts": name})).load_drawing()
    settings = subject.settings(seed, steps=steps, samples=1, pairs=1)
    comparison = compare(subject, reducing, steps=settings.steps, seed=seed, label=label)
    write_demo(comparison, out)
    typer.echo(_said(comparison))
    typer.echo(f"Written to {out}")


def _method(text: str, ratio: float | None) -> tuple[str, Method]:
    """Read "NAME" or "NAME:key=value,...", with `ratio` as one more parameter; return label and method."""
    from tokred.bench.contender import Contender, find_contender, method_from_file
    from tokred.registry import build_method
    from tokred.registry.parameters import parse_parameters

    name, _, given = text.partition(":")
    if name.endswith(".json"):
        if ratio is not None:
            raise SpecError(f"--ratio {ratio} and --method {name}: a file takes no parameters. Change the file.")
        return name, method_from_file(name, given)
    registered = find_contender(name)
    params = parse_parameters(f"{registered.component.kind} {name!r}", registered.load(), given)
    if ratio is not None:
        if params.get("ratio") not in (None, ratio):
            raise SpecError(f"--ratio {ratio} and --method {text} name two different ratios. Leave one of them out.")
        params["ratio"] = ratio
    name = registered.component.name
    method = build_method(name, params)
    return Contender(name, "method", params, method).label, method


def _check_out(out: Path) -> None:
    """Raise `OutputError` unless a picture can be written to `out`."""
    from tokred.bench.files import check_file

    if out.suffix.lower() != ".png":
        raise OutputError(f"--out {out} is not a .png. Name a file that ends in .png.")
    check_file(out)


def _said(comparison: Comparison) -> str:
    """Say in one line what came out."""
    from tokred.bench.summary import verdict

    said = verdict(comparison.dense_seconds / comparison.reduced_seconds, comparison.psnr)
    times = f"{comparison.reduced_seconds:.2f} s, dense {comparison.dense_seconds:.2f} s"
    compute = f"{comparison.compute:.2f} of the FLOPs"
    return f"{comparison.title}; {comparison.label}: {said} ({times}; {compute})"
