"""What `tokred tune` is asked for, ready to run."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import Progress

from tokred.bench import Contender, Journal, Lineup, Settings, Subject
from tokred.bench.journal import Found
from tokred.bench.making import samples_of
from tokred.bench.measure import seconds
from tokred.bench.spreading import Engine
from tokred.cli.spread import journal_of
from tokred.cli.task import Options, Task, say_duration
from tokred.errors import SpecError
from tokred.method import Method
from tokred.registry import save_method
from tokred.tuning import Effort, Target, Trial, find_finalists
from tokred.tuning.tune import FINALISTS

METHOD = "method.json"


@dataclass(frozen=True)
class Tuning:
    """The tuning of one model, with all inputs checked.

    Attributes:
        subject: the model.
        target: what is wanted.
        effort: how much is tried.
        settings: of the benchmark of what was found, on other seeds.
        out: folder of the files.
        found: what becomes of results that are there already.
        engine: who draws and measures beside this process.
    """

    subject: Subject
    target: Target
    effort: Effort
    settings: Settings
    out: Path
    found: Found
    engine: Engine | None

    @classmethod
    def of(cls, target: Target, effort: Effort, options: Options, out: Path) -> Self:
        """Load a model, and check everything that is asked of it."""
        model, engine = options.source.model, options.spread.over(options)
        subject = options.source.load_drawing()
        settings = options.settings(subject)
        if shared := set(settings.seeds) & set(effort.seeds):
            raise SpecError(
                f"seed={options.seed}: samples {min(shared)} to {max(shared)} are tuned on. Take another seed, so "
                "that the benchmark is on other samples."
            )
        wanted = ["--time", target.time] if target.time is not None else ["--psnr", target.psnr]
        tried = ["--candidates", effort.candidates, "--tuning-samples", effort.most]
        words = ["tokred", "tune", "--model", model, *wanted, *options.words(settings), *tried, "--out", out]
        settings = dataclasses.replace(settings, command=shlex.join(map(str, words)))
        return cls(subject, target, effort, settings, out, options.found, engine)

    def run(self) -> None:
        """Search, benchmark what was found, and write the method that does what is wanted.

        Raises:
            OutputError: if the folder has results that are not to be touched.
            SpecError: if nothing that was found reduces anything.
        """
        if self.engine and not self.engine.first:
            self.engine.serve(self.subject)
            return
        journal = journal_of(self.out, self.found, self.engine)
        finalists = self._finalists(journal)
        task = Task(self.subject, Lineup(tuple(finalists)), (), self.settings, self.out, engine=self.engine)
        results = task.go_on(journal)
        if self.engine:
            self.engine.close()
        chosen = self.target.choose(results.rows)
        if chosen is None:
            raise SpecError(f"None of the {len(finalists)} methods found reduced anything; see {self.out}.")
        method = finalists[results.rows.index(chosen)].entrant
        assert isinstance(method, Method)
        save_method(method, self.out / METHOD)
        if self.target.missed(chosen) > 0:
            _say(f"Nothing found has {self.target}. The nearest {self.target.miss_in_words(chosen)}.")
            _say(f"Nearest: {chosen.label}")
        else:
            _say(f"{self.target}: {chosen.label}")
        _say(f'Written to {self.out / METHOD}. Use it: tokred.apply(pipe, "{self.out / METHOD}")')

    def say(self) -> None:
        """Print how much would be drawn at most and for how long, from one dense sample; write nothing.

        Raises:
            OutputError: if the folder has results that are not to be touched.
        """
        Journal(self.out, self.found, looks=True)
        steps = self.settings.steps
        tried = self.effort.samples_at_most(steps)
        measured = samples_of(self.settings, FINALISTS, dense=True, outputs=True)
        _say(f"{self.subject.name}: {self.settings.size}, {self.settings.pairs} timed pairs")
        _say(f"At most {tried:,} samples to search, and {measured:,} to benchmark what is found.")
        one = seconds(lambda: self.subject.generate(self.settings.seeds[:1], steps))
        say_duration((tried + measured) * one)

    def _finalists(self, journal: Journal) -> list[Contender]:
        """Search, and show how far that is."""
        with Progress(transient=True) as progress:
            task = progress.add_task("dense generations", total=None)

            def tell(trial: Trial) -> None:
                progress.update(task, advance=1, description=f"tried on {trial.samples} samples")

            batch, steps = self.settings.batch, self.settings.steps
            return find_finalists(self.subject, steps, self.target, self.effort, batch, tell, journal, self.engine)


def _say(text: str) -> None:
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
