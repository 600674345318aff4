"""What `tokred bench` is asked for, as benchmarks that are ready to run."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokred.bench import (
    Journal,
    Lineup,
    Reference,
    Results,
    Settings,
    Subject,
    compare_runs,
    line_up,
    load_subject,
    parse_contenders,
    parse_references,
    run_bench,
)
from tokred.bench.journal import FILE, Found
from tokred.bench.plots import write_pareto
from tokred.bench.strip import write_strip
from tokred.cli.console import ConsoleView
from tokred.cli.gains import print_gains, write_all
from tokred.errors import SpecError
from tokred.zoo.catalog import zoo_models

ALL = "all"
"""The name that stands for every model of the zoo."""


@dataclass(frozen=True)
class Options:
    """How to measure a model, as the command line has it; None stands for the model's own default."""

    steps: int | None
    samples: int | None
    seed: int
    pairs: int
    device: str
    methods: Sequence[str] = ()
    against: Sequence[str] = ()
    metrics: Sequence[str] = ()
    found: Found = "refuse"

    def settings(self, subject: Subject) -> Settings:
        """Return the settings of a benchmark of `subject`."""
        return subject.settings(self.seed, steps=self.steps, samples=self.samples, pairs=self.pairs)

    def words(self, settings: Settings) -> list[object]:
        """Return how a command says all but the methods, defaults written out as `settings` has them."""
        numbers = {"steps": settings.steps, "samples": settings.samples, "seed": self.seed, "pairs": self.pairs}
        values = {**numbers, "device": self.device}
        return [word for name, value in values.items() for word in (f"--{name}", value)]


@dataclass(frozen=True)
class Task:
    """The benchmark of one model, with all inputs checked.

    Attributes:
        subject: the model.
        lineup: what is compared on it.
        references: what the runs are compared with, besides the dense model.
        settings: how.
        out: folder of its files.
        found: what becomes of results that are there already.
    """

    subject: Subject
    lineup: Lineup
    references: Sequence[Reference]
    settings: Settings
    out: Path
    found: Found = "refuse"

    @classmethod
    def of(cls, model: str, options: Options, out: Path) -> Task:
        """Load a model, and check everything that is asked of it."""
        references = parse_references(options.against)
        if options.methods:
            parse_contenders(options.methods)  # loading takes seconds, and what is misspelt needs no model
        subject = load_subject(model, options.device, options.metrics)
        lineup = line_up(subject, options.methods)
        for reference in references:
            reference.check((contender.name, contender.params) for contender in lineup.contenders)
        settings = options.settings(subject)
        command = _command(model, options, settings, out)
        return cls(subject, lineup, references, dataclasses.replace(settings, command=command), out, options.found)

    def run(self) -> Results:
        """Measure, show and write; return what was found.

        Raises:
            OutputError: if the folder has results that are not to be touched.
            SpecError: if nothing could be measured.
        """
        return self.go_on(Journal(self.out, self.found))

    def go_on(self, journal: Journal) -> Results:
        """Do the same with what a journal has."""
        with ConsoleView(self.subject, self.settings) as view:
            results = run_bench(self.subject, self.lineup, self.settings, view, journal)
        if not results.rows:
            raise SpecError(f"Nothing could be measured, see {self.out / FILE}: {results.failed[0].error}")
        view.explain()
        metric, file = self.subject.metrics[0], self.out / FILE
        strip = [write_strip(view.exhibits, metric, self.out)] if view.exhibits else []
        paths = [file, *write_pareto(results, metric, self.out), *strip]
        if self.references:
            comparisons = compare_runs(results, self.references, metric)
            print_gains(comparisons, metric, view.console)
            paths += write_all(comparisons, metric, self.out)
        view.recommend(results)
        view.written(paths)
        view.conclude(results)
        return results


def run_all(model: str, options: Options, out: Path) -> None:
    """Run the benchmark of a model, or of every model of the zoo, each into a folder of its own.

    Everything is checked, and every folder made, before the first one runs.
    """
    tasks = _tasks(model, options, out)
    journals = [Journal(task.out, task.found) for task in tasks]
    for task, journal in zip(tasks, journals, strict=True):
        task.go_on(journal)


def _tasks(model: str, options: Options, out: Path) -> list[Task]:
    if model != ALL:
        return [Task.of(model, options, out)]
    classifying = dataclasses.replace(options, steps=None)
    return [Task.of(zoo.name, options if zoo.draws else classifying, out / zoo.name) for zoo in zoo_models()]


def _command(model: str, options: Options, settings: Settings, out: Path) -> str:
    """Write the command that does the same again, for this model alone."""
    named = [part for text in options.methods for part in ("--method", text)]
    named += [part for text in options.against for part in ("--against", text)]
    named += [part for text in options.metrics for part in ("--metric", text)]
    words = ["tokred", "bench", "--model", model, *named, *options.words(settings), "--out", out]
    return shlex.join(map(str, words))


def found(resume: bool, overwrite: bool) -> Found:
    """Return what becomes of results that are there already.

    Raises:
        SpecError: if they are to be resumed and overwritten.
    """
    if resume and overwrite:
        raise SpecError("--resume goes on with the results that are there, and --overwrite removes them: give one.")
    return "resume" if resume else "overwrite" if overwrite else "refuse"
