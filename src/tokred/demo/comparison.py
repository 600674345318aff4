"""One picture twice: dense, and by a method."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch

from tokred.bench.measure import count_flops
from tokred.engine.apply import apply
from tokred.engine.report import Report
from tokred.engine.token_map import TokenMap, token_map
from tokred.errors import SpecError
from tokred.method import Method
from tokred.metrics import psnr
from tokred.zoo.catalog import ZooModel


@dataclass(frozen=True)
class Comparison:
    """A picture that was drawn densely, and from the same seed by a method.

    Attributes:
        title: what was drawn, by which model, in how many steps, from which seed.
        label: what the method is called.
        dense: the dense picture `[3, H, W]` in [0, 1].
        reduced: the method's picture, likewise.
        dense_seconds: how long the dense picture took.
        reduced_seconds: how long the method's picture took.
        compute: operations of the method's picture over the dense one's, matching included, as in `tokred bench`.
        report: what the method computed.
        tokens: the tokens that one site kept; None where tokens were never matched.
    """

    title: str
    label: str
    dense: torch.Tensor
    reduced: torch.Tensor
    dense_seconds: float
    reduced_seconds: float
    compute: float
    report: Report
    tokens: TokenMap | None

    @property
    def psnr(self) -> float:
        """PSNR of the method's picture against the dense one, in dB."""
        return float(psnr(self.reduced[None], self.dense[None]))

    @property
    def sites(self) -> int:
        """Number of sites at which tokens could be removed."""
        return len({call.site.name for call in self.report.calls})


def compare(
    model: ZooModel, pipe: Any, name: str, method: Method, *, steps: int, seed: int = 0, label: str = ""
) -> Comparison:
    """Draw `name` densely and by a method, each once before, to count its operations: first calls are slow.

    Args:
        model: a model that draws.
        pipe: its pipeline, not reduced; it is given back as it was.
        name: the class or prompt.
        method: what reduces it.
        steps: number of denoising steps, at least 1.
        seed: of both pictures, in [0, 2**63).
        label: what the method is called; by default its name.

    Raises:
        SpecError: the model does not draw pictures, or does not know the name, or a number is out of range; nothing
            was drawn.
        UnsupportedModel: the method does not fit the model; nothing was drawn.
        ConflictError: the pipeline is patched already; nothing was drawn.
    """
    model.check_draws_pictures()
    if not 0 <= seed < 2**63:
        raise SpecError(f"seed={seed} must be in [0, 2**63): it starts the random generator of the picture.")

    def draw() -> tuple[torch.Tensor, float]:
        start = time.perf_counter()
        picture = model.draw(pipe, [name], [seed], steps)[0]  # on the CPU, so all of it is done
        return picture, time.perf_counter() - start

    with apply(pipe, method):
        flops = count_flops(draw)
    compute = flops / count_flops(draw)
    dense, dense_seconds = draw()
    with apply(pipe, method) as run:
        reduced, reduced_seconds = draw()
        report, tokens = run.report(), token_map(run)
    title = f"{model.name}: {name!r}, {steps} steps, seed {seed}"
    seconds = (dense_seconds, reduced_seconds)
    return Comparison(title, label or method.name, dense, reduced, *seconds, compute, report, tokens)
