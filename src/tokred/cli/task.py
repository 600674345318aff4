"""What `tokred bench` is asked for, as benchmarks that are ready to run."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rich.console import Console

from tokred.bench import (
    Journal,
    Lineup,
    Reference,
    Results,
    Settings,
    Subject,
    compare_runs,
    line_up,
    parse_contenders,
    parse_references,
    run_bench,
)
from tokred.bench.console import ConsoleView
from tokred.bench.environment import Device, Versions
from tokred.bench.journal import FILE, Found
from tokred.bench.measures import known_metric
from tokred.bench.pictures import write_pictures
from tokred.bench.resuming import check_resumable
from tokred.bench.run_file import NAME, RunFile
from tokred.bench.sources import Source
from tokred.bench.spreading import Engine
from tokred.bench.workload import Workload, duration
from tokred.cli.gains import print_gains, write_all
from tokred.cli.options import size
from tokred.cli.spread import Spread, journal_of
from tokred.errors import SpecError
from tokred.metrics.metric import DRAWN
from tokred.zoo.catalog import ZooModel, zoo_models

ALL = "all"
"""The name that stands for every model of the zoo."""


@dataclass(frozen=True)
class Options:
    """How to measure a model, as the command line has it; None stands for the model's own default."""

    steps: int | None
    samples: int | None
    seed: int
    pairs: int
    source: Source
    methods: Sequence[str] = ()
    against: Sequence[str] = ()
    metrics: Sequence[str] = ()
    found: Found = "refuse"
    spread: Spread = field(default_factory=Spread)

    @classmethod
    def of(cls, run: RunFile, found: Found) -> Self:
        """Return the options that a file of a whole benchmark says."""
        source = Source(
            model=run.asked.model,
            revision=run.asked.revision,
            variant=run.asked.variant,
            offload=run.asked.offload,
            device=run.asked.device,
            dtype=run.asked.dtype,
            prompts=Path(run.asked.prompts) if run.asked.prompts else None,
            data=Path(run.asked.data) if run.asked.data else None,
            size=size(run.asked.size),
            frames=run.asked.frames,
            call=run.asked.call,
            batch=run.asked.batch,
        )
        return cls(run.steps, run.samples, run.seed, run.pairs, source, run.methods, run.against, run.metrics, found)

    def settings(self, subject: Subject) -> Settings:
        """Return the settings of a benchmark of `subject`."""
        return subject.settings(self.seed, steps=self.steps, samples=self.samples, pairs=self.pairs)

    def words(self, settings: Settings) -> list[object]:
        """Return how a command says all but the methods, defaults written out as `settings` has them."""
        numbers = {"steps": settings.steps, "samples": settings.samples, "seed": self.seed, "pairs": self.pairs}
        return [word for name, value in numbers.items() for word in (f"--{name}", value)] + self.source.words()


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
        engine: who measures beside this process.
    """

    subject: Subject
    lineup: Lineup
    references: Sequence[Reference]
    settings: Settings
    out: Path
    found: Found = "refuse"
    engine: Engine | None = None

    @classmethod
    def of(cls, options: Options, out: Path) -> Task:
        """Load a model, and check everything that is asked of it."""
        engine = options.spread.over(options)
        references = parse_references(options.against)
        if options.methods:
            parse_contenders(options.methods)  # loading takes seconds, and what is misspelt needs no model
        for metric in options.metrics:
            known_metric(metric).load()  # likewise: weights that are missing
        subject = options.source.load(options.metrics)
        lineup = line_up(subject, options.methods)
        for reference in references:
            reference.check((contender.name, contender.params) for contender in lineup.contenders)
        settings = options.settings(subject)
        command = _command(options, settings, out)
        settings = dataclasses.replace(settings, command=command)
        return cls(subject, lineup, references, settings, out, options.found, engine)

    def run(self) -> Results:
        """Measure, show and write; return what was found.

        Raises:
            OutputError: if the folder has results that are not to be touched.
            SpecError: if nothing could be measured.
        """
        return self.go_on(self.journal())

    def journal(self) -> Journal:
        """Return what keeps the rows.

        Raises:
            OutputError: if the folder has results that are not to be touched.
        """
        return journal_of(self.out, self.found, self.engine)

    def say(self) -> float:
        """Print what would run and for how long, from one dense sample; write nothing. Return the seconds.

        Raises:
            OutputError: if the folder has results that are not to be touched.
            SpecError: if those that are to be resumed are of another run.
        """
        journal, console = Journal(self.out, self.found, looks=True), Console()
        if journal.earlier:
            here = Versions.here(), Device.of(self.subject.device)
            check_resumable(journal.earlier, self.subject.name, self.settings, here, self.lineup)
        work = Workload.of(self.lineup, self.settings, journal)
        taken = work.estimate(self.subject, self.settings)
        head = f"{self.subject.name}: {self.settings.size}, {self.settings.pairs} timed pairs"
        for line in (head, f"{work}.", *(f"  {label}" for label in work.runs)):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        return taken

    def go_on(self, journal: Journal) -> Results:
        """Do the same with what a journal has."""
        with ConsoleView(self.subject, self.settings) as view:
            results = run_bench(self.subject, self.lineup, self.settings, view, journal, self.engine)
        if not results.rows:
            raise SpecError(f"Nothing could be measured, see {self.out / FILE}: {results.failed[0].error}")
        view.explain()
        metric = self.subject.metrics[0]
        paths = write_pictures(results, view.exhibits, metric, self.out)
        if self.references:
            comparisons = compare_runs(results, self.references, metric)
            print_gains(comparisons, metric, view.console)
            paths += write_all(comparisons, metric, self.out)
        view.recommend(results)
        view.written(paths)
        view.conclude(results)
        return results


def run_all(run: RunFile, found: Found, read: Path | None = None, spread: Spread | None = None) -> None:
    """Run the benchmark of a model, or of every model of the zoo, each into a folder of its own.

    Everything is checked, and every folder made, before the first one runs. What is run is written beside its results,
    all settings said, unless that is the file that it was read from.
    """
    options = Options.of(run, found)
    tasks = _tasks(dataclasses.replace(options, spread=spread or Spread()), Path(run.out))
    for task in tasks:
        if task.engine and not task.engine.first:
            task.engine.serve(task.subject)
    leading = [task for task in tasks if not task.engine or task.engine.first]
    journals = [task.journal() for task in leading]
    for task, journal in zip(leading, journals, strict=True):
        place = task.out / NAME
        if not (read and place.exists() and place.samefile(read)):
            _said(run, task).write(place)
        task.go_on(journal)
        if task.engine:
            task.engine.close()


def say_all(run: RunFile, found: Found) -> None:
    """Say what `run_all` would do, and for about how long; everything is checked, one dense sample made, none kept."""
    say_duration(sum(task.say() for task in _tasks(Options.of(run, found), Path(run.out))))


def say_duration(taken: float) -> None:
    """Print how many seconds what was said would take."""
    Console().print(
        f"About {duration(taken)} in one process, were every method as slow as the dense model. Nothing was written.",
        highlight=False,
        soft_wrap=True,
    )


def _said(run: RunFile, task: Task) -> RunFile:
    """Return the run of one task, with what its subject is meant for said in numbers."""
    settings, subject = task.settings, task.subject
    steps = None if subject.outputs not in DRAWN else settings.steps
    out, model = str(task.out), subject.name if run.asked.model == ALL else run.asked.model
    asked = dataclasses.replace(run.asked, model=model)
    return dataclasses.replace(run, asked=asked, steps=steps, samples=settings.samples, out=out)


def _tasks(options: Options, out: Path) -> list[Task]:
    if options.source.model != ALL:
        return [Task.of(options, out)]
    return [Task.of(_for_one(options, zoo), out / zoo.name) for zoo in zoo_models()]


def _for_one(options: Options, zoo: ZooModel) -> Options:
    """Return the options for a model of all; a classifier takes no steps."""
    source = dataclasses.replace(options.source, model=zoo.name)
    return dataclasses.replace(options, source=source, steps=options.steps if zoo.draws else None)


def _command(options: Options, settings: Settings, out: Path) -> str:
    """Write the command that does the same again, for this model alone."""
    named = [part for text in options.methods for part in ("--method", text)]
    named += [part for text in options.against for part in ("--against", text)]
    named += [part for text in options.metrics for part in ("--metric", text)]
    words = ["tokred", "bench", "--model", options.source.model, *named, *options.words(settings), "--out", out]
    return shlex.join(map(str, words))


def found(resume: bool, overwrite: bool) -> Found:
    """Return what becomes of results that are there already.

    Raises:
        SpecError: if they are to be resumed and overwritten.
    """
    if resume and overwrite:
        raise SpecError("--resume goes on with the results that are there, and --overwrite removes them: give one.")
    return "resume" if resume else "overwrite" if overwrite else "refuse"
