"""How well outputs are forecast over the steps, and where the errors lie: `python benchmarks/forecast_errors.py`.

Dense generations of the trained models are watched. Each output of the model is forecast from its outputs some steps
before, as a step cache would, and compared with what the model really returned. It writes
docs/results/forecast_errors.json.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tokred.bench.environment import Device, Versions
from tokred.bench.json_file import write_json
from tokred.engine.noise import noise_shares
from tokred.parts.forecast import EDGE
from tokred.zoo import load_model
from tokred.zoo.catalog import find_model

OUT = Path(__file__).parents[1] / "docs" / "results" / "forecast_errors.json"
MODELS = ("emoji-dit", "emoji-sd3", "emoji-flux")
STEPS = (10, 28)
INTERVALS = (2, 3)
SEEDS = range(6000, 6004)


@dataclass(frozen=True)
class Errors:
    """How far forecasts miss, on average over steps and pictures.

    Errors are squared, over the squared output, in dB: -20 is a tenth of its length.

    Attributes:
        model: name of the trained model.
        steps: denoising steps.
        interval: the model is computed once in so many steps; the last step of a gap is forecast.
        last: error of the last output itself.
        line_noise: of the line through two outputs over the share of noise.
        line: of the line over the logarithm of the ratio of picture to noise.
        parabola: of the parabola through three outputs over the same.
        best: of the best multiple of the last change, fitted to the answer: no line can do better.
        worst_quarter: share of the line's squared error that lies in the quarter of the tokens where it is largest.
        worst_half: the same of the half.
        neighbours: correlation of the line's error between tokens side by side.
    """

    model: str
    steps: int
    interval: int
    last: float
    line_noise: float
    line: float
    parabola: float
    best: float
    worst_quarter: float
    worst_half: float
    neighbours: float


@dataclass(frozen=True)
class ForecastErrors:
    """All that was found."""

    versions: Versions
    device: Device
    seeds: tuple[int, ...]
    rows: tuple[Errors, ...]


def outputs(name: str, steps: int) -> tuple[list[torch.Tensor], list[float]]:
    """Return what a model returns at each step of dense generations, `[B, N, C]`, and the shares of noise."""
    pipe: Any = load_model(name)
    seen: list[torch.Tensor] = []
    hook = pipe.transformer.register_forward_hook(lambda model, args, out: seen.append(rows(out[0], model)))
    for seeds in ([seed] for seed in SEEDS):
        find_model(name).generate(pipe, seeds, steps)
    hook.remove()
    return [torch.cat(seen[step::steps]) for step in range(steps)], noise_shares(pipe.scheduler)[:steps]


def rows(output: torch.Tensor, model: Any) -> torch.Tensor:
    """Return an output with a row per token."""
    patch = model.config.patch_size
    return output if output.ndim == 3 else nn.functional.unfold(output, patch, stride=patch).transpose(1, 2)


def log_snr(share: float) -> float:
    """Return the logarithm of the ratio of picture to noise."""
    share = min(max(share, EDGE), 1 - EDGE)
    return math.log((1 - share) / share)


def polynomial(known: Sequence[tuple[float, torch.Tensor]], place: float) -> torch.Tensor:
    """Return the value at a place of the polynomial through known points, in Lagrange's form."""
    total = torch.zeros_like(known[0][1])
    for i, (here, output) in enumerate(known):
        weights = [(place - there) / (here - there) for j, (there, _) in enumerate(known) if j != i]
        total += math.prod(weights) * output
    return total


def forecasts(
    seen: Sequence[torch.Tensor], shares: Sequence[float], step: int, interval: int
) -> dict[str, torch.Tensor]:
    """Return the forecasts of one step, by name."""
    steps = range(step - interval + 1, -1, -interval)[:3]
    truth, last = seen[step], seen[steps[0]]

    def over(place: Callable[[float], float], points: int) -> torch.Tensor:
        return polynomial([(place(shares[i]), seen[i]) for i in steps[:points]], place(shares[step]))

    change = last - seen[steps[1]]
    gain = ((truth - last) * change).sum((1, 2), keepdim=True) / change.square().sum((1, 2), keepdim=True)
    return {
        "last": last,
        "line_noise": over(float, 2),
        "line": over(log_snr, 2),
        "parabola": over(log_snr, 3),
        "best": last + gain * change,
    }


def measure(name: str, steps: int, interval: int) -> Errors:
    """Measure the forecasts of all steps that have three outputs before them; the last step is left out."""
    seen, shares = outputs(name, steps)
    places = range(3 * interval - 1, steps - 1)
    errors = {step: {k: f - seen[step] for k, f in forecasts(seen, shares, step, interval).items()} for step in places}

    def level(kind: str) -> float:
        return statistics.fmean(10 * _energy_ratio(errors[step][kind], seen[step]) for step in places)

    lines = [errors[step]["line"] for step in places]
    return Errors(
        model=name,
        steps=steps,
        interval=interval,
        **{kind: level(kind) for kind in ("last", "line_noise", "line", "parabola", "best")},
        worst_quarter=statistics.fmean(_share_of_worst(error, 4) for error in lines),
        worst_half=statistics.fmean(_share_of_worst(error, 2) for error in lines),
        neighbours=statistics.fmean(_correlation(error) for error in lines),
    )


def _energy_ratio(error: torch.Tensor, output: torch.Tensor) -> float:
    """Return the decimal logarithm of squared error over squared output, the mean over pictures."""
    return float((error.square().sum((1, 2)) / output.square().sum((1, 2))).log10().mean())


def _share_of_worst(error: torch.Tensor, part: int) -> float:
    energy = error.square().sum(2).sort(dim=1, descending=True).values
    return float((energy[:, : energy.shape[1] // part].sum(1) / energy.sum(1)).mean())


def _correlation(error: torch.Tensor) -> float:
    side = math.isqrt(error.shape[1])
    grid = error.reshape(len(error), side, side, -1)
    left, right = grid[:, :, :-1].flatten(1), grid[:, :, 1:].flatten(1)
    return float(torch.cosine_similarity(left, right).mean())


def found() -> Iterator[Errors]:
    """Measure every model."""
    for name in MODELS:
        for steps in STEPS:
            for interval in INTERVALS:
                yield measure(name, steps, interval)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    device = Device.of(torch.device("cpu"))
    write_json(ForecastErrors(Versions.here(), device, tuple(SEEDS), tuple(found())), out)
    print(f"Written to {out}")


if __name__ == "__main__":
    main()
