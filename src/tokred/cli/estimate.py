"""`tokred estimate`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def estimate(
    model: Annotated[str, typer.Argument(help="dit-xl-2, vit-l-16, pixart-sigma-xl-2, sd3.5-medium or flux-dev.")],
    methods: Annotated[
        list[str] | None, typer.Argument(help="NAME or NAME:key=value,..., as `tokred bench` takes.")
    ] = None,
    device: Annotated[str, typer.Option(help="h200, h100, a100, l40s, rtx4090, rtx3090, l4 or t4.")] = "h200",
    pixels: Annotated[int, typer.Option(help="Height and width of the picture; 0 for the model's usual ones.")] = 0,
    steps: Annotated[int, typer.Option(min=1, help="Denoising steps.")] = 28,
    compiled: Annotated[bool, typer.Option("--compiled", help="Estimate the compiled model (torch.compile).")] = False,
) -> None:
    """Estimate the speedup of methods on a GPU that you need not have."""
    from tokred.estimate.estimate import estimate as estimated

    table = Table("method", "phase", "steps", "ms", "limited by", "speedup", "GiB")
    for found in estimated(model, methods or [], device=device, pixels=pixels or None, steps=steps, compiled=compiled):
        for place, (phase, number) in enumerate(found.steps.items()):
            times = found.phases[phase]
            own = (f"{found.speedup:.2f}", f"{found.bytes / 2**30:.1f}") if place == 0 else ("", "")
            name = found.method if place == 0 else ""
            table.add_row(name, phase, str(number), f"{1000 * times.seconds:.1f}", times.limit, *own)
    Console().print(table)
