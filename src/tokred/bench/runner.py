"""Runs a benchmark: the dense reference first, then everything that is compared with it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import torch

from tokred.bench.contender import Contender
from tokred.bench.environment import Device, Versions
from tokred.bench.lineup import Lineup
from tokred.bench.measure import count_flops, seconds, timed_pairs
from tokred.bench.measures import Targets
from tokred.bench.quality import Quality
from tokred.bench.result import Dense, Results, Row, Score, TimeRatio
from tokred.bench.settings import Settings
from tokred.bench.subject import Subject
from tokred.bench.tokens import token_map
from tokred.bench.view import SHOWN, Exhibit, NoView, View
from tokred.run import Run

CALIBRATION = 4
"""Samples that baselines are calibrated on."""


def run_bench(subject: Subject, lineup: Lineup, settings: Settings, view: View | None = None) -> Results:
    """Compare methods and baselines with the dense model, and with each other.

    Args:
        subject: what is measured.
        lineup: what is compared; from `line_up`.
        settings: what is the same for all.
        view: is told what happens.

    Raises:
        SpecError: if a metric cannot take the outputs.
        ConflictError: if the model is patched already.
    """
    bench = _Bench(subject, settings, view or NoView())
    bench.view.left_out(lineup.left_out)
    bench.begin(len(lineup.contenders))
    rows = tuple(bench.run(contender) for contender in lineup.contenders)
    return Results(
        schema=3,
        model=subject.name,
        settings=settings,
        versions=Versions.here(),
        device=Device.of(subject.device),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        dense=bench.dense(),
        rows=rows,
        left_out=lineup.left_out,
    )


class _Bench:
    """The dense reference, and runs that are measured against it."""

    def __init__(self, subject: Subject, settings: Settings, view: View) -> None:
        self.subject = subject
        self.settings = settings
        self.view = view
        starts = range(0, settings.samples, settings.batch)
        self.metrics = {metric: metric.load() for metric in subject.metrics}
        self.batches = [settings.seeds[start : start + settings.batch] for start in starts]

    def begin(self, runs: int) -> None:
        """Measure the dense reference, before `runs` runs."""
        settings, outputs = self.settings, 1 + len(self.batches)  # one generation of which counts operations
        self.view.begin(outputs + 1 + settings.pairs + runs * (outputs + 2 * (1 + settings.pairs)))
        self.dense_flops = self._flops(settings.steps, "dense")
        dense = list(self._outputs(settings.steps, "dense"))
        self.targets = [self._targets(*batch) for batch in zip(self.batches, dense, strict=True)]
        self.dense_scores = self._dense_scores()
        self.dense_seconds = [self._seconds(settings.steps, "dense") for _ in range(1 + settings.pairs)][1:]
        self.view.dense(self.dense())
        if self.subject.outputs == "pictures":
            self.view.exhibit(Exhibit("dense", "dense", dense[0][:SHOWN]))

    def dense(self) -> Dense:
        """Return what is known of the dense reference; its time is known better after each run."""
        taken = statistics.median(self.dense_seconds)
        return Dense(taken, self.settings.timing_batch / taken, self.dense_flops, self.dense_scores)

    def run(self, contender: Contender) -> Row:
        """Measure one contender."""
        contender = contender.prepared(self.subject.model, self._calibrate)
        with contender.applied(self.subject.model) as run:
            flops = self._flops(contender.steps(self.settings.steps), contender.label)
            site_compute = run.report().compute if run else None
            scores = self._scores(contender, run)
        pairs = self._timed_pairs(contender)
        row = Row(
            method=contender.name,
            params={name: list(v) if isinstance(v, tuple) else v for name, v in contender.params.items()},
            label=contender.label,
            kind=contender.kind,
            compute=flops / self.dense_flops,
            site_compute=site_compute,
            time_ratio=TimeRatio.of([cheaper / dense for dense, cheaper in pairs]),
            samples_per_second=self.settings.timing_batch / statistics.median(cheaper for _, cheaper in pairs),
            scores=scores,
        )
        self.view.row(row)
        return row

    def _calibrate(self) -> None:
        """Draw what some baselines have to see first: none of the samples that are measured."""
        start = max(self.settings.seeds) + 1
        self.subject.generate(range(start, start + CALIBRATION), self.settings.steps)

    def _targets(self, seeds: Sequence[int], dense: torch.Tensor) -> Targets:
        """Return what the outputs `[B, ...]` of a batch of seeds are compared with."""
        truth = self.subject.truth(seeds)
        return {"dense": dense} if truth is None else {"dense": dense, "truth": truth}

    def _dense_scores(self) -> dict[str, Score]:
        """Measure the dense outputs by what does not compare with them."""
        quality = Quality("dense", {m: measure for m, measure in self.metrics.items() if m.against == "truth"})
        for targets in self.targets:
            quality.add(targets["dense"], targets)
        return quality.scores()

    def _scores(self, contender: Contender, run: Run | None) -> dict[str, Score]:
        """Measure all outputs, and show the first where they are pictures."""
        quality = Quality(contender.label, self.metrics)
        made = self._outputs(contender.steps(self.settings.steps), contender.label)
        for outputs, targets in zip(made, self.targets, strict=True):
            quality.add(outputs, targets)
            if self.subject.outputs == "pictures" and targets is self.targets[0]:
                first = tuple(quality.values[self.subject.metrics[0].name][:SHOWN])
                tokens = token_map(run) if run else None  # a run can tell those of its last batch's first sample
                self.view.exhibit(Exhibit(contender.name, contender.label, outputs[:SHOWN], first, tokens))
        return quality.scores()

    def _timed_pairs(self, contender: Contender) -> list[tuple[float, float]]:
        """Time the dense model and the contender in turns; applying it and taking it away is not timed."""
        steps = self.settings.steps

        def other() -> float:
            with contender.applied(self.subject.model):
                return self._seconds(contender.steps(steps), contender.label)

        pairs = timed_pairs(lambda: self._seconds(steps, contender.label), other, self.settings.pairs)
        self.dense_seconds += [dense for dense, _ in pairs]
        return pairs

    def _outputs(self, steps: int, label: str) -> Iterator[torch.Tensor]:
        """Make the outputs of all seeds, a batch `[B, ...]` at a time."""
        for seeds in self.batches:
            yield self.subject.generate(seeds, steps)
            self.view.generated(label)

    def _flops(self, steps: int, label: str) -> int:
        flops = count_flops(lambda: self.subject.generate(self.settings.seeds[:1], steps))
        self.view.generated(label)
        return flops

    def _seconds(self, steps: int, label: str) -> float:
        taken = seconds(lambda: self.subject.generate(self.settings.seeds[: self.settings.timing_batch], steps))
        self.view.generated(label)
        return taken
