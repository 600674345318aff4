"""`tokred demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokred.errors import OutputError, SpecError

if TYPE_CHECKING:
    from tokred.demo import Comparison
    from tokred.method import Method


def demo(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Class or prompt to draw; `tokred models MODEL` lists what it knows.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Picture to write: a .png in a folder that exists.")],
    model: Annotated[str, typer.Option(metavar="NAME", help="Trained model to draw with.")] = "emoji-dit",
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME[:key=value,...]|FILE.json", help="Method; parameters that are not given have defaults."
        ),
    ] = "balanced",
    ratio: Annotated[float | None, typer.Option(help="The method's parameter of that name.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps. Default: what the model is meant for.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of both pictures.")] = 0,
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where the model computes.")] = "cpu",
) -> None:
    """Draw one picture densely and reduced: both, their difference, and what was not computed, in one PNG."""
    from tokred.bench.subject import check_device
    from tokred.demo import compare, write_demo
    from tokred.zoo.catalog import find_model
    from tokred.zoo.load import load

    label, reducing = _method(method, ratio)
    described = find_model(model)
    described.check_draws_pictures()
    check_device(device)
    _check_out(out)
    steps = described.steps if steps is None else steps
    comparison = compare(described, load(described, device), name, reducing, steps=steps, seed=seed, label=label)
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
