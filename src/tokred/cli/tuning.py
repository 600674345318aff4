"""What `tokred tune` is asked for, ready to run."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import Progress

from tokred.bench import Journal, Lineup, Settings, Subject, run_bench
from tokred.bench.outcome import Engine
from tokred.cli.task import Options, Task
from tokred.errors import SpecError
from tokred.method import Method
from tokred.registry import save_method
from tokred.tuning import Effort, Target, Trial, find_finalists

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
        journal: what an earlier process found.
        engine: who draws and measures beside this process.
    """

    subject: Subject
    target: Target
    effort: Effort
    settings: Settings
    out: Path
    journal: Journal
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
        journal = engine.journal(out, options.found) if engine else Journal(out, options.found)
        return cls(subject, target, effort, settings, out, journal, engine)

    def run(self) -> None:
        """Search, benchmark what was found, and write the method that does what is wanted."""
        shows = self.engine is None or self.engine.first
        with Progress(transient=True, disable=not shows) as progress:
            task = progress.add_task("dense generations", total=None)

            def tell(trial: Trial) -> None:
                progress.update(task, advance=1, description=f"tried on {trial.samples} samples")

            batch, steps = self.settings.batch, self.settings.steps
            finalists = find_finalists(
                self.subject, steps, self.target, self.effort, batch, tell, self.journal, self.engine
            )
        lineup = Lineup(tuple(finalists))
        if not shows:
            run_bench(self.subject, lineup, self.settings, None, self.journal, self.engine)
            return
        results = Task(self.subject, lineup, (), self.settings, self.out, engine=self.engine).go_on(self.journal)
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


def _say(text: str) -> None:
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
