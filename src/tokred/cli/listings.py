"""`tokred methods`, `tokred models`, `tokred metrics` and `tokred plugins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tokred.listing import Listed
    from tokred.registry import Registered
    from tokred.zoo import ZooModel


def methods(
    name: Annotated[str | None, typer.Argument(help="A method or baseline; its parameters and standard runs.")] = None,
) -> None:
    """List the methods, and the baselines that the benchmark compares them with; or describe one of them."""
    if name is None:
        from tokred import listing

        _print_listed(listing.methods())
    else:
        from tokred.bench.contender import find_contender

        _describe_method(find_contender(name))


def models(
    name: Annotated[
        str | None, typer.Argument(help="A trained model; its size, how it is sampled, and what it knows.")
    ] = None,
) -> None:
    """List the classes of models that methods can be applied to, and the trained models; or describe one of these."""
    from tokred import listing
    from tokred.zoo.catalog import find_model

    if name is None:
        _print_listed(listing.models())
    else:
        _describe_model(find_model(name))


def metrics() -> None:
    """List the metrics: what each is measured of, what it compares with, which way is better, and what it needs."""
    from tokred.bench.measures import listed_metrics

    rows = [
        (
            metric.name,
            metric.unit or "-",
            "higher" if metric.higher else "lower",
            metric.of,
            metric.against,
            f"{registered.component.summary}{f'; needs {metric.needs}' if metric.needs else ''}",
            str(registered.provider),
        )
        for registered, metric in listed_metrics()
    ]
    _print_table(("name", "unit", "better", "of", "against", "what it is", "from"), rows)


def plugins() -> None:
    """List every component with the distribution that it comes from, and what failed to load."""
    from rich.console import Console

    from tokred.registry import KINDS, components, default_registry

    rows = [(kind, r.component.name, str(r.provider), r.component.target) for kind in KINDS for r in components(kind)]
    _print_table(("kind", "name", "from", "target"), rows)
    for provider, why in default_registry().problems:
        Console().print(f"{provider} failed to load: {why}", style="red", markup=False, highlight=False)


def _print_listed(listed: Iterable[Listed]) -> None:
    _print_table(("name", "kind", "what it is", "from"), [(x.name, x.kind, x.summary, x.provider) for x in listed])


def _print_table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table that wraps and never cuts; what is to be copied, the first cells, is not even wrapped."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for place, head in enumerate(heads):
        table.add_column(head, overflow="fold", min_width=max((len(row[0]) for row in rows if not place), default=None))
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def _describe_method(registered: Registered) -> None:
    """Print what a method or baseline is, its parameters, and the runs that the benchmark makes of it."""
    import inspect

    from tokred.registry import parameters_of, written

    component = registered.component
    factory = registered.load()
    typer.echo(f"{component.name}, a {component.kind} of {registered.provider}: {component.summary}\n")
    typer.echo(f"{inspect.getdoc(factory)}\n")
    rows = [(parameter.name, parameter.written, parameter.values) for parameter in parameters_of(factory)]
    if rows:
        _print_table(("parameter", "default", "values"), rows)
    typer.echo("Standard runs of tokred bench:" if component.levels[1:] else "Standard run of tokred bench:")
    for params in component.levels:
        given = ",".join(f"{name}={written(value)}" for name, value in params.items())
        typer.echo(f"  --method {component.name}{':' * bool(given)}{given}")


def _describe_model(model: ZooModel) -> None:
    """Print what a trained model is, how it is sampled, and what it knows."""
    from rich.console import Console

    from tokred.listing import knowledge

    typer.echo(f"{model.name}, a trained model: {model.summary}\n")
    rows = [
        ("family", model.family),
        ("parameters", f"{model.parameters:,}" + (f" of a LoRA of {model.adapts}" if model.adapts else "")),
        ("picture", f"{model.size} x {model.size} pixels, {model.tokens:,} tokens"),
    ]
    if model.draws:
        rows.append(("sampling", f"{model.steps} steps, guidance {model.guidance:g}"))
    for label, value in rows:
        typer.echo(f"{label:<12}{value}")
    for what, names in knowledge(model).items():
        Console().print(f"\n{len(names)} {what}: {', '.join(names)}", markup=False, highlight=False)
    if model.draws:
        typer.echo(f'\nDraw with it: tokred demo "{model.classes[0]}" --model {model.name} --out picture.png')
