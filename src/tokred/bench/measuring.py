"""What is measured of the dense reference, and of everything that is compared with it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from tokred.bench.contender import Contender
from tokred.bench.measure import count_flops, peak_bytes, reset_peak, seconds, timed_pairs
from tokred.bench.measures import Targets
from tokred.bench.quality import Quality
from tokred.bench.result import Dense, Row, Score, TimeRatio
from tokred.bench.settings import Settings
from tokred.bench.subject import Subject
from tokred.bench.view import SHOWN, Exhibit, shown
from tokred.engine.run import Run
from tokred.metrics import Against
from tokred.metrics.metric import DRAWN

CALIBRATION = 4
"""Samples that baselines are calibrated on."""


class Measuring:
    """Measures one subject.

    Args:
        subject: what is measured.
        settings: how much of it.
        tell: is told of every generation, and whose it was.
        show: is shown the first samples of a run, where they are pictures.
    """

    def __init__(
        self, subject: Subject, settings: Settings, tell: Callable[[str], None], show: Callable[[Exhibit], None]
    ) -> None:
        self.subject = subject
        self.settings = settings
        self.tell = tell
        self.show = show
        self.metrics = {metric: metric.load() for metric in subject.metrics}
        self.batches = settings.batches
        self.targets: list[Targets] = []
        self.dense_seconds: list[float] = []
        self.dense_peak: int | None = None

    def recall(self, dense: Dense) -> None:
        """Take what is known of the dense reference."""
        self.dense_flops, self.dense_scores = dense.flops, dense.scores
        self.dense_seconds, self.dense_peak = [dense.seconds], dense.peak_bytes

    def count_dense(self) -> None:
        """Count the operations of the dense reference."""
        self.dense_flops = self._flops(self.settings.steps, "dense")

    def dense_outputs(self) -> list[torch.Tensor]:
        """Make the dense outputs, a batch `[B, ...]` at a time."""
        return list(self._outputs(self.settings.steps, "dense"))

    def compare_with(self, dense: Sequence[torch.Tensor]) -> None:
        """Take the dense outputs of each batch as what others are compared with."""
        self.targets = [self._targets(*batch) for batch in zip(self.batches, dense, strict=True)]

    def measure_dense(self) -> None:
        """Measure the dense outputs by what does not compare with them, and take their time."""
        quality = Quality("dense", {m: measure for m, measure in self.metrics.items() if m.against != "dense"})
        for targets in self.targets:
            quality.add(targets["dense"], targets)
        self.dense_scores = quality.scores()
        reset_peak(self.subject.device)
        self.dense_seconds = [self._seconds(self.settings.steps, "dense") for _ in range(1 + self.settings.pairs)][1:]
        self.dense_peak = peak_bytes(self.subject.device)

    def dense(self) -> Dense:
        """Return what is known of the dense reference; its time is known better after each run."""
        taken = statistics.median(self.dense_seconds)
        return Dense(taken, self.settings.timing_batch / taken, self.dense_peak, self.dense_flops, self.dense_scores)

    def measure(self, contender: Contender) -> Row:
        """Measure one contender."""
        contender = contender.prepared(self.subject.model, self._calibrate)
        with contender.applied(self.subject.model) as run:
            flops = self._flops(contender.steps(self.settings.steps), contender.label)
            site_compute = run.report().compute if run else None
            scores, identical = self._scores(contender, run)
        pairs, peak = self._timed_pairs(contender)
        taken = statistics.median(cheaper for _, cheaper in pairs)
        return Row(
            method=contender.name,
            params=plain(contender.params),
            label=contender.label,
            kind=contender.kind,
            compute=flops / self.dense_flops,
            site_compute=site_compute,
            time_ratio=TimeRatio.of([cheaper / dense for dense, cheaper in pairs]),
            seconds=taken,
            samples_per_second=self.settings.timing_batch / taken,
            peak_bytes=peak,
            identical=identical,
            scores=scores,
        )

    def _calibrate(self) -> None:
        """Draw what some baselines have to see first: none of the samples that are measured."""
        start = max(self.settings.seeds) + 1
        self.subject.generate(range(start, start + CALIBRATION), self.settings.steps)

    def _targets(self, seeds: Sequence[int], dense: torch.Tensor) -> Targets:
        """Return what the outputs `[B, ...]` of a batch of seeds are compared with."""
        targets: dict[Against, Any] = {"dense": dense}
        targets |= {"truth": self.subject.truth(seeds), "prompt": self.subject.prompts(seeds)}
        return targets

    def _scores(self, contender: Contender, run: Run | None) -> tuple[dict[str, Score], bool]:
        """Measure all outputs, and say whether they are the dense ones; show the first where they are pictures."""
        quality, identical = Quality(contender.label, self.metrics), True
        made = self._outputs(contender.steps(self.settings.steps), contender.label)
        for outputs, targets in zip(made, self.targets, strict=True):
            quality.add(outputs, targets)
            identical = identical and torch.equal(outputs, targets["dense"])
            if self.subject.outputs in DRAWN and targets is self.targets[0]:
                first = tuple(quality.values[self.subject.metrics[0].name][:SHOWN])
                # A run can tell the tokens of its last batch's first sample; of a video they are of all frames.
                tokens = run.report().token_maps if run and outputs.ndim == 4 else ()
                self.show(Exhibit(contender.name, contender.label, shown(outputs), first, tokens))
        return quality.scores(), identical

    def _timed_pairs(self, contender: Contender) -> tuple[list[tuple[float, float]], int | None]:
        """Time the dense model and the contender in turns; applying it and taking it away is not timed.

        Returns:
            The times of each pair, and the most memory that the contender took.
        """
        steps, peaks = self.settings.steps, []

        def other() -> float:
            with contender.applied(self.subject.model):
                reset_peak(self.subject.device)
                taken = self._seconds(contender.steps(steps), contender.label)
                peaks.append(peak_bytes(self.subject.device))
                return taken

        pairs = timed_pairs(lambda: self._seconds(steps, contender.label), other, self.settings.pairs)
        self.dense_seconds += [dense for dense, _ in pairs]
        return pairs, peaks[-1]

    def _outputs(self, steps: int, label: str) -> Iterator[torch.Tensor]:
        """Make the outputs of all seeds, a batch `[B, ...]` at a time."""
        for seeds in self.batches:
            yield self.subject.generate(seeds, steps)
            self.tell(label)

    def _flops(self, steps: int, label: str) -> int:
        flops = count_flops(lambda: self.subject.generate(self.settings.seeds[:1], steps))
        self.tell(label)
        return flops

    def _seconds(self, steps: int, label: str) -> float:
        taken = seconds(lambda: self.subject.generate(self.settings.seeds[: self.settings.timing_batch], steps))
        self.tell(label)
        return taken


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as a file holds them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}


def generations_of(settings: Settings, runs: int, *, dense: bool, outputs: bool) -> int:
    """Return how many generations a number of runs takes, with the cost of the dense reference or its outputs."""
    made, timed = len(settings.batches), 1 + settings.pairs
    return (1 + timed) * dense + made * outputs + runs * (1 + made + 2 * timed)


def samples_of(settings: Settings, runs: int, *, dense: bool, outputs: bool) -> int:
    """Return how many samples these generations make."""
    made, timed = settings.samples, (1 + settings.pairs) * settings.timing_batch
    return (1 + timed) * dense + made * outputs + runs * (1 + made + 2 * timed)
