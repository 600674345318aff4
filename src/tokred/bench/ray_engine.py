"""Rows measured by the workers of Ray, on one machine or many (Moritz et al., "Ray", OSDI 2018)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tokred.bench.contender import Contender
from tokred.bench.journal import Found as There
from tokred.bench.journal import Journal
from tokred.bench.measuring import Measuring
from tokred.bench.outcome import Outcome, attempt, failed
from tokred.bench.result import Dense
from tokred.bench.settings import Settings
from tokred.bench.sources import Source
from tokred.bench.spreading import Agreed, Found, Job
from tokred.bench.subject import Subject
from tokred.bench.view import Exhibit
from tokred.errors import SpecError
from tokred.extras import extra

TRIES = 3
"""Workers that may die over one row."""


class Worker:
    """Loads a model, and measures contenders on it one by one.

    Args:
        source: of the model.
        metrics: more than tokred's own.
        settings: of the benchmark.
        threads: that PyTorch uses on a CPU; sums are rounded by their number.
        dense: the dense reference.
        outputs: its outputs, a batch `[B, ...]` at a time.
    """

    def __init__(
        self,
        source: Source,
        metrics: Sequence[str],
        settings: Settings,
        threads: int,
        dense: Dense,
        outputs: Sequence[torch.Tensor],
    ) -> None:
        torch.set_num_threads(threads)
        self.exhibits: list[Exhibit] = []
        self.measuring = Measuring(source.load(metrics), settings, lambda label: None, self.exhibits.append)
        self.measuring.recall(dense)
        self.measuring.compare_with(outputs)

    def measure(self, contender: Contender) -> Outcome:
        """Measure one contender."""
        self.exhibits.clear()
        self.measuring.dense_seconds.clear()
        found = attempt(self.measuring, contender)
        return Outcome(found, tuple(self.exhibits), tuple(self.measuring.dense_seconds))


class Helper:
    """Loads a model, and does jobs with it.

    Args:
        source: of the model.
        threads: that PyTorch uses on a CPU.
    """

    def __init__(self, source: Source, threads: int) -> None:
        torch.set_num_threads(threads)
        self.subject = source.load()

    def do(self, job: tuple[Callable[[Subject, Any], Any], Any]) -> Any:
        """Do one job, a function with what it is given beside the model."""
        do, given = job
        return do(self.subject, given)


@dataclass(frozen=True)
class _Errand:
    """A task on its way, and how many workers died over it."""

    place: int
    worker: Any = None
    deaths: int = 0


class _Pool:
    """Workers that are made as they are needed; one that dies is replaced, and costs its task a new try.

    Args:
        ray: the module.
        make: starts a worker.
        most: workers at once.
        method: of a worker, by its name.
    """

    def __init__(self, ray: Any, make: Callable[[], Any], most: int, method: str) -> None:
        self.ray, self.make, self.most, self.method = ray, make, most, method
        self.idle: list[Any] = []
        self.made = 0

    def each(self, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the place of each task and what came of it, as they end; a `RayActorError` where workers died of it."""
        waiting, busy = deque(map(_Errand, range(len(tasks)))), dict[Any, _Errand]()
        while waiting or busy:
            while waiting and (worker := self._free()) is not None:
                errand = replace(waiting.popleft(), worker=worker)
                busy[getattr(worker, self.method).remote(tasks[errand.place])] = errand
            (ready,), _ = self.ray.wait(list(busy), num_returns=1)
            errand = busy.pop(ready)
            try:
                found = self.ray.get(ready)
            except self.ray.exceptions.RayActorError as error:
                self.made -= 1
                errand = replace(errand, deaths=errand.deaths + 1)
                if errand.deaths < TRIES:
                    waiting.appendleft(errand)
                else:
                    yield errand.place, error
            else:
                self.idle.append(errand.worker)
                yield errand.place, found

    def _free(self) -> Any:
        """Return a worker that has nothing to do, a new one while there may be more; None where all are busy."""
        if not self.idle and self.made < self.most:
            self.made += 1
            self.idle.append(self.make())
        return self.idle.pop() if self.idle else None


class RayEngine:
    """Spreads rows, or jobs, over workers; one that dies is replaced, and its task tried again. See `Engine`.

    Args:
        source: of the model, which every worker loads.
        metrics: more than tokred's own.
        workers: their number; None for as many as there are GPUs, or else CPUs.
        address: of a cluster that runs; None for one on this machine that ends with the benchmark.

    Raises:
        MissingPackage: if Ray is not installed.
        SpecError: if the cluster is not there.
    """

    first = True

    def __init__(
        self, source: Source, metrics: Sequence[str], workers: int | None = None, address: str | None = None
    ) -> None:
        with extra("ray"):
            import ray
        if workers is not None and workers < 1:
            raise SpecError(f"--workers {workers} must be at least 1.")
        self.ray = ray
        self.source, self.metrics, self.workers, self.address = source, metrics, workers, address
        self.helpers: _Pool | None = None

    def journal(self, folder: Path, found: There) -> Journal:
        """Return the folder's own: the workers send back what they find."""
        return Journal(folder, found)

    def outcomes(
        self, contenders: Sequence[Contender], measuring: Measuring, dense: Sequence[torch.Tensor]
    ) -> Iterator[Outcome]:
        """Yield what comes of each contender as it is known; see `Engine`."""
        if not contenders:
            return
        self._start()
        try:
            given = [self.source, self.metrics, measuring.settings, torch.get_num_threads(), measuring.dense()]
            shared = [self.ray.put(each) for each in (*given, list(dense))]
            for place, found in self._pool(Worker, shared, "measure").each(contenders):
                died = isinstance(found, self.ray.exceptions.RayActorError)
                yield Outcome(failed(contenders[place], _death(found))) if died else found
        finally:
            self._stop()

    def each(
        self, do: Callable[[Subject, Job], Found], jobs: Sequence[Job], subject: Subject
    ) -> Iterator[tuple[int, Found]]:
        """Do jobs by workers that stay for the next ones, until rows are measured; see `Spreading`."""
        if self.helpers is None:
            self._start()
            self.helpers = self._pool(Helper, [self.source, torch.get_num_threads()], "do")
        for place, found in self.helpers.each([(do, job) for job in jobs]):
            if isinstance(found, self.ray.exceptions.RayActorError):
                raise SpecError(f"--engine ray: {_death(found)}")
            yield place, found

    def agreed(self, value: Agreed) -> Agreed:
        """Return the value: only this process runs the program."""
        return value

    def _start(self) -> None:
        self._stop()
        cluster = {"address": self.address} if self.address else {"num_cpus": self.workers, "include_dashboard": False}
        try:
            self.ray.init(**cluster, log_to_driver=False, logging_level="error")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise SpecError(f"--engine ray: {' '.join(str(error).split())[:300]}") from error

    def _stop(self) -> None:
        self.helpers = None
        self.ray.shutdown()

    def _pool(self, kind: type, given: Sequence[Any], method: str) -> _Pool:
        actor = self.ray.remote(kind).options(num_cpus=1, num_gpus=int(self._on_gpus))
        return _Pool(self.ray, lambda: actor.remote(*given), self._count(), method)

    def _count(self) -> int:
        there = self.ray.cluster_resources()
        return self.workers or max(1, int(there.get("GPU" if self._on_gpus else "CPU", 1)))

    @property
    def _on_gpus(self) -> bool:
        return torch.device(self.source.device).type == "cuda"


def _death(error: Exception) -> str:
    return f"its worker died {TRIES} times: {' '.join(str(error).split())[:300]}"
