"""One picture twice: dense, and by a method."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from tokred.bench.measure import count_flops
from tokred.bench.subject import Subject, check_draws
from tokred.engine.apply import apply
from tokred.engine.report import Report
from tokred.engine.token_map import TokenMap, token_map
from tokred.errors import SpecError
from tokred.method import Method
from tokred.metrics import psnr


@dataclass(frozen=True)
class Comparison:
    """A picture that was drawn densely, and from the same seed by a method.

    Attributes:
        title: what was drawn, by which model, in how many steps, from which seed.
        label: what the method is called.
        dense: the dense picture `[3, H, W]` in [0, 1]; of video its frames, `[F, 3, H, W]`.
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
        """PSNR of the method's picture against the dense one, in dB; of video the mean over its frames."""
        reduced, dense = (each if each.ndim == 4 else each[None] for each in (self.reduced, self.dense))
        return float(psnr(reduced, dense).mean())

    @property
    def sites(self) -> int:
        """Number of sites at which tokens could be removed."""
        return len({call.site.name for call in self.report.calls})


def compare(subject: Subject, method: Method, *, steps: int, seed: int = 0, label: str = "") -> Comparison:
    """Draw densely and by a method what a seed stands for, each once before, to count operations: first calls are slow.

    Args:
        subject: a pipeline that draws, not reduced; it is given back as it was.
        method: what reduces it.
        steps: number of denoising steps, at least 1.
        seed: of both pictures, in [0, 2**63).
        label: what the method is called; by default its name.

    Raises:
        SpecError: the model does not draw, does not know what is asked for, or a number is out of range; nothing was
            drawn.
        UnsupportedModel: the method does not fit the model; nothing was drawn.
        ConflictError: the pipeline is patched already; nothing was drawn.
    """
    check_draws(subject)
    if not 0 <= seed < 2**63:
        raise SpecError(f"seed={seed} must be in [0, 2**63): it starts the random generator of the picture.")

    def draw() -> tuple[torch.Tensor, float]:
        start = time.perf_counter()
        picture = subject.generate([seed], steps)[0]  # on the CPU, so all of it is done
        return picture, time.perf_counter() - start

    with apply(subject.model, method):
        flops = count_flops(draw)
    compute = flops / count_flops(draw)
    dense, dense_seconds = draw()
    with apply(subject.model, method) as run:
        reduced, reduced_seconds = draw()
        report = run.report()
        tokens = token_map(run) if reduced.ndim == 3 else None  # of video they are of all frames
    names = subject.prompts([seed])
    what = [repr(names[0])] if names else []
    title = f"{subject.name}: {', '.join([*what, f'{steps} steps', f'seed {seed}'])}"
    seconds = (dense_seconds, reduced_seconds)
    return Comparison(title, label or method.name, dense, reduced, *seconds, compute, report, tokens)
