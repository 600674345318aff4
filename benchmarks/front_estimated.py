"""Quality over the time that a GPU would take: `python benchmarks/front_estimated.py [--device h100]`.

Reads the fronts that benchmarks/front.sh measured on the small models that come along, and estimates what each run
would take on a released model of the same family: what it keeps is the small model's, what it costs the large one's.
Baselines are given the time of what they compute and none of their own. Writes docs/results/front/estimated.json, and
the table in docs/front.md. Takes a quarter of an hour of one core.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from advantage import FRONT, METRIC, PAGE, all_results

from tokred.bench.contender import Contender
from tokred.bench.curve import Point, pareto_front
from tokred.bench.environment import Versions
from tokred.bench.result import Row
from tokred.errors import SpecError
from tokred.estimation.asked import Asked
from tokred.estimation.counts import Counts, count
from tokred.estimation.devices import Device, find_device
from tokred.estimation.result import Way
from tokred.estimation.times import times
from tokred.interfaces import Phase
from tokred.registry import build_method

OUT = FRONT / "estimated.json"
LARGE = {"emoji-dit": "dit-xl-2", "emoji-sd3": "sd3.5-medium", "emoji-flux": "flux-dev", "emoji-clip": "wan-1.3b"}
STEPS = 10
BLOCK = re.compile(r"(<!-- estimated front -->\n).*?(<!-- end -->)", re.DOTALL)
AXES = ("measured", "eager", "compiled")


@dataclass(frozen=True)
class Placed:
    """A run, with what it keeps and costs; the times are over dense ones.

    Attributes:
        model: that it was measured on.
        large: that its cost is estimated on.
        steps: of the generation.
        label: of the run.
        psnr: its mean, in dB.
        compute: operations over dense.
        measured: time on the CPU where it was measured.
        eager: estimated, without torch.compile.
        compiled: estimated, with it.
    """

    model: str
    large: str
    steps: int
    label: str
    psnr: float
    compute: float
    measured: float
    eager: float
    compiled: float


class Costs:
    """What runs take on a large model.

    Args:
        large: its name.
        device: where.
    """

    def __init__(self, large: str, device: Device) -> None:
        self.device, self.looped = device, Asked(large, steps=STEPS).looped()
        self.dense = count(self.looped, None)

    def of(self, row: Row) -> tuple[float, float]:
        """Return the times of a run over dense ones, eager and compiled.

        Raises:
            SpecError: if it decides by values, so that nothing can be estimated.
        """
        if row.kind == "baseline":
            return row.compute, row.compute
        method = Contender(row.method, "method", row.params, build_method(row.method, row.params))
        counts = count(self.looped, method)
        return self._ratio(counts, compiled=False), self._ratio(counts, compiled=True)

    def _ratio(self, counts: Counts, compiled: bool) -> float:
        dense = times(self.dense.work[Phase.DENSE.value], self.device, compiled)
        phases = {phase: times(work, self.device, compiled) for phase, work in counts.work.items()}
        return 1 / Way(dense, phases, counts.steps).speedup


def placed(device: Device) -> Iterator[Placed]:
    """Estimate every run of the fronts at one number of steps."""
    for results in (results for results in all_results(FRONT) if results.settings.steps == STEPS):
        large = LARGE[results.model]
        costs = Costs(large, device)
        for row in filter(lambda row: row.reduced, results.rows):
            try:
                eager, compiled = costs.of(row)
            except SpecError as why:
                print(f"{row.label} on {large}: {why}")
                continue
            psnr, measured = row.scores[METRIC].mean, row.time_ratio.median
            yield Placed(results.model, large, STEPS, row.label, psnr, row.compute, measured, eager, compiled)


def table(runs: list[Placed]) -> str:
    """Write the runs that lie on a front by one of the times; there, their times are bold."""
    lines = [f"| model | steps | run | PSNR, dB | compute | {' | '.join(AXES)} |", "|---" * (5 + len(AXES)) + "|"]
    for model, steps in sorted({(run.model, run.steps) for run in runs}):
        group = [run for run in runs if (run.model, run.steps) == (model, steps)]
        fronts = {axis: {point.label for point in front(group, axis)} for axis in AXES}
        for run in sorted(group, key=lambda run: run.compiled):
            if any(run.label in labels for labels in fronts.values()):
                cells = [_cell(getattr(run, axis), run.label in fronts[axis]) for axis in AXES]
                known = [f"{model} as {run.large}", str(steps), run.label, f"{run.psnr:.1f}", f"{run.compute:.2f}"]
                lines.append(f"| {' | '.join(known + cells)} |")
    return "\n".join(lines)


def front(group: list[Placed], axis: str) -> tuple[Point, ...]:
    """Return the Pareto front over one of the times, to a hundredth."""
    return pareto_front((Point(run.label, round(getattr(run, axis), 2), run.psnr, ()) for run in group), higher=True)


def _cell(time: float, on_front: bool) -> str:
    return f"**{time:.2f}**" if on_front else f"{time:.2f}"


def main() -> None:
    """Estimate and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="h100", help="as `tokred estimate` takes it")
    device = find_device(parser.parse_args().device)
    runs = list(placed(device))
    made = {"device": device.name, "versions": asdict(Versions.here()), "runs": [asdict(run) for run in runs]}
    OUT.write_text(json.dumps(made, indent=1) + "\n")
    PAGE.write_text(BLOCK.sub(lambda found: found[1] + table(runs) + "\n" + found[2], PAGE.read_text()))


if __name__ == "__main__":
    main()
