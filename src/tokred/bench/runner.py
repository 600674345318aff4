"""Runs a benchmark: the dense reference first, then everything that is compared with it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import torch

from tokred.bench.contender import Contender
from tokred.bench.environment import Device, Versions
from tokred.bench.measure import count_flops, seconds, timed_pairs
from tokred.bench.quality import Quality
from tokred.bench.result import Dense, Results, Row, Score, TimeRatio
from tokred.bench.settings import Settings
from tokred.bench.subject import Subject
from tokred.bench.tokens import token_map
from tokred.bench.view import SHOWN, Exhibit, NoView, View
from tokred.errors import SpecError
from tokred.metrics import Lpips
from tokred.run import Run


def run_bench(
    subject: Subject, contenders: Sequence[Contender], settings: Settings, view: View | None = None
) -> Results:
    """Compare methods and rivals with the dense pipeline, and with each other.

    Every contender is applied once, and taken away again, before anything is drawn: what does not fit the model is
    refused at once.

    Args:
        subject: makes the pictures.
        contenders: what is compared, in the order of the rows.
        settings: what is the same for all.
        view: is told what happens.

    Raises:
        UnsupportedModel: if a method does not fit the model.
        SpecError: likewise, or if there is nothing to compare, or a metric cannot take the pictures.
        ConflictError: if the model is patched already.
    """
    check_fit(subject, contenders)
    bench = _Bench(subject, settings, view or NoView())
    bench.begin(len(contenders))
    rows = tuple(bench.run(contender) for contender in contenders)
    return Results(
        schema=1,
        model=subject.name,
        settings=settings,
        versions=Versions.here(),
        device=Device.of(subject.pipe.device),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        dense=Dense(statistics.median(bench.dense_seconds), bench.dense_flops),
        rows=rows,
    )


def check_fit(subject: Subject, contenders: Sequence[Contender]) -> None:
    """Apply each contender to the subject's pipeline and take it away again; see `run_bench` for what is raised."""
    if not contenders:
        raise SpecError("There is nothing to compare: contenders is empty. parse_contenders() gives all there are.")
    for contender in contenders:
        with contender.applied(subject.pipe):
            pass


class _Bench:
    """The dense reference, and runs that are measured against it."""

    def __init__(self, subject: Subject, settings: Settings, view: View) -> None:
        self.subject = subject
        self.settings = settings
        self.view = view
        self.lpips = Lpips.load()
        self.dense_seconds: list[float] = []

    def begin(self, runs: int) -> None:
        """Draw the dense reference, before `runs` runs."""
        settings = self.settings
        batches = len(range(0, settings.samples, settings.batch))
        self.view.begin(1 + batches + runs * (1 + batches + 2 * (1 + settings.pairs)))
        self.dense_flops = self._flops(settings.steps, "dense")
        self.reference = list(self._pictures(settings.steps, "dense"))
        self.view.exhibit(Exhibit("dense", "dense", self.reference[0][:SHOWN]))

    def run(self, contender: Contender) -> Row:
        """Measure one contender."""
        with contender.applied(self.subject.pipe) as run:
            flops = self._flops(contender.steps(self.settings.steps), contender.label)
            site_compute = run.report().compute if run else None
            scores = self._scores(contender, run)
        row = Row(
            method=contender.name,
            params={name: list(v) if isinstance(v, tuple) else v for name, v in contender.params.items()},
            label=contender.label,
            kind=contender.kind,
            compute=flops / self.dense_flops,
            site_compute=site_compute,
            time_ratio=self._time_ratio(contender),
            **scores,
        )
        self.view.row(row)
        return row

    def _scores(self, contender: Contender, run: Run | None) -> dict[str, Score]:
        """Compare all pictures with the dense ones, and show the first."""
        quality = Quality(contender.label, self.lpips)
        drawn = self._pictures(contender.steps(self.settings.steps), contender.label)
        for pictures, reference in zip(drawn, self.reference, strict=True):
            quality.add(pictures, reference)
            if reference is self.reference[0]:  # the run can tell the tokens of its last batch's first sample
                tokens, values = token_map(run) if run else None, tuple(quality.values["psnr"][:SHOWN])
                self.view.exhibit(Exhibit(contender.name, contender.label, pictures[:SHOWN], values, tokens))
        return quality.scores()

    def _time_ratio(self, contender: Contender) -> TimeRatio:
        """Time the contender and the dense pipeline in turns; applying it and taking it away is not timed."""
        steps = self.settings.steps

        def other() -> float:
            with contender.applied(self.subject.pipe):
                return self._seconds(contender.steps(steps), contender.label)

        pairs = timed_pairs(lambda: self._seconds(steps, contender.label), other, self.settings.pairs)
        self.dense_seconds += [dense for dense, _ in pairs]
        return TimeRatio.of([cheaper / dense for dense, cheaper in pairs])

    def _pictures(self, steps: int, label: str) -> Iterator[torch.Tensor]:
        """Draw all pictures, a batch `[B, 3, H, W]` at a time."""
        seeds = self.settings.seeds
        for start in range(0, len(seeds), self.settings.batch):
            yield self.subject.generate(seeds[start : start + self.settings.batch], steps)
            self.view.generated(label)

    def _flops(self, steps: int, label: str) -> int:
        flops = count_flops(lambda: self.subject.generate(self.settings.seeds[:1], steps))
        self.view.generated(label)
        return flops

    def _seconds(self, steps: int, label: str) -> float:
        taken = seconds(lambda: self.subject.generate(self.settings.seeds[: self.settings.timing_batch], steps))
        self.view.generated(label)
        return taken
