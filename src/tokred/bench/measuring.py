"""What is measured of the dense reference, and of everything that is compared with it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from tokred.bench.contender import Contender
from tokred.bench.making import Cost, Made, Making
from tokred.bench.measure import peak_bytes, reset_peak
from tokred.bench.measures import Targets
from tokred.bench.quality import Quality
from tokred.bench.result import Dense, Row, Score, TimeRatio
from tokred.bench.settings import Settings
from tokred.bench.subject import Subject
from tokred.bench.view import SHOWN, Exhibit, shown
from tokred.metrics import Against
from tokred.metrics.metric import DRAWN


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
        self.show = show
        self.making = Making(subject, settings, tell)
        self.metrics = {metric: metric.load() for metric in subject.metrics}
        self.targets: list[Targets] = []
        self.dense_seconds: list[float] = []
        self.dense_peak: int | None = None

    def recall(self, dense: Dense) -> None:
        """Take what is known of the dense reference."""
        self.dense_flops, self.dense_scores = dense.flops, dense.scores
        self.dense_seconds, self.dense_peak = [dense.seconds], dense.peak_bytes

    def count_dense(self) -> None:
        """Count the operations of the dense reference."""
        self.dense_flops = self.making.flops(self.settings.steps, "dense")

    def compare_with(self, dense: Sequence[torch.Tensor]) -> None:
        """Take the dense outputs of each batch as what others are compared with."""
        self.targets = [self._targets(*batch) for batch in zip(self.settings.batches, dense, strict=True)]

    def measure_dense(self) -> None:
        """Measure the dense outputs by what does not compare with them, and take their time."""
        quality = Quality("dense", {m: measure for m, measure in self.metrics.items() if m.against != "dense"})
        for targets in self.targets:
            quality.add(targets["dense"], targets)
        self.dense_scores = quality.scores()
        reset_peak(self.subject.device)
        taken = [self.making.seconds(self.settings.steps, "dense") for _ in range(1 + self.settings.pairs)]
        self.dense_seconds = taken[1:]
        self.dense_peak = peak_bytes(self.subject.device)

    def dense(self) -> Dense:
        """Return what is known of the dense reference; its time is known better after each run."""
        taken = statistics.median(self.dense_seconds)
        return Dense(taken, self.settings.timing_batch / taken, self.dense_peak, self.dense_flops, self.dense_scores)

    def measure(self, contender: Contender) -> Row:
        """Measure one contender, in this process alone."""
        contender = self.making.prepared(contender)
        made = self.making.made(contender, range(len(self.settings.batches)))
        return self.row(contender, self.making.cost(contender), made)

    def row(self, contender: Contender, cost: Cost, made: Made) -> Row:
        """Return the row of a contender, from what it costs and what it made of all batches."""
        scores, identical = self._scores(contender, made)
        self.dense_seconds += [dense for dense, _ in cost.pairs]
        taken = statistics.median(cheaper for _, cheaper in cost.pairs)
        return Row(
            method=contender.name,
            params=plain(contender.params),
            label=contender.label,
            kind=contender.kind,
            compute=cost.flops / self.dense_flops,
            site_compute=cost.site_compute,
            time_ratio=TimeRatio.of([cheaper / dense for dense, cheaper in cost.pairs]),
            seconds=taken,
            samples_per_second=self.settings.timing_batch / taken,
            peak_bytes=cost.peak_bytes,
            identical=identical,
            scores=scores,
        )

    def _targets(self, seeds: Sequence[int], dense: torch.Tensor) -> Targets:
        """Return what the outputs `[B, ...]` of a batch of seeds are compared with."""
        targets: dict[Against, Any] = {"dense": dense}
        targets |= {"truth": self.subject.truth(seeds), "prompt": self.subject.prompts(seeds)}
        return targets

    def _scores(self, contender: Contender, made: Made) -> tuple[dict[str, Score], bool]:
        """Measure all outputs, and say whether they are the dense ones; show the first where they are pictures."""
        quality, identical = Quality(contender.label, self.metrics), True
        for outputs, targets in zip(made.outputs, self.targets, strict=True):
            quality.add(outputs, targets)
            identical = identical and torch.equal(outputs, targets["dense"])
            if self.subject.outputs in DRAWN and targets is self.targets[0]:
                first = tuple(quality.values[self.subject.metrics[0].name][:SHOWN])
                self.show(Exhibit(contender.name, contender.label, shown(outputs), first, made.tokens))
        return quality.scores(), identical


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as a file holds them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}
