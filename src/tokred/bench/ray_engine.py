"""Jobs done by the workers of Ray, on one machine or many (Moritz et al., "Ray", OSDI 2018)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from tokred.bench.sources import Source
from tokred.bench.spreading import Engine, Found, Job, refuse_loss
from tokred.bench.subject import Subject
from tokred.errors import SpecError
from tokred.extras import extra

TRIES = 3
"""Workers that may die over one job."""


class Worker:
    """Loads a model, and does jobs with it.

    Args:
        source: of the model.
        threads: that PyTorch uses on a CPU; sums are rounded by their number.
    """

    def __init__(self, source: Source, threads: int) -> None:
        torch.set_num_threads(threads)
        self.subject = source.load()

    def do(self, do: Callable[[Subject, Any], Any], job: Any) -> Any:
        """Do one job."""
        return do(self.subject, job)


@dataclass(frozen=True)
class _Errand:
    """A job on its way, and how many workers died over it."""

    place: int
    worker: Any = None
    deaths: int = 0


class _Pool:
    """Workers that are made as they are needed; one that dies is replaced, and costs its job a new try.

    Args:
        ray: the module.
        make: starts a worker.
        most: workers at once.
    """

    def __init__(self, ray: Any, make: Callable[[], Any], most: int) -> None:
        self.ray, self.make, self.most = ray, make, most
        self.idle: list[Any] = []
        self.made = 0

    def each(self, do: Callable[[Subject, Any], Any], jobs: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the place of each job and what came of it, as they end; a `RayActorError` where workers died of it."""
        waiting, busy = deque(map(_Errand, range(len(jobs)))), dict[Any, _Errand]()
        while waiting or busy:
            while waiting and (worker := self._free()) is not None:
                errand = replace(waiting.popleft(), worker=worker)
                busy[worker.do.remote(do, jobs[errand.place])] = errand
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


class RayEngine(Engine):
    """Has workers do jobs; one that dies is replaced, and its job tried again. See `tokred.bench.spreading.Engine`.

    Args:
        source: of the model, which every worker loads.
        workers: their number; None for as many as there are GPUs, or else CPUs.
        address: of a cluster that runs; None for one on this machine that ends with the benchmark.

    Raises:
        MissingPackage: if Ray is not installed.
        SpecError: if there are no workers.
    """

    def __init__(self, source: Source, workers: int | None = None, address: str | None = None) -> None:
        with extra("ray"):
            import ray
        if workers is not None and workers < 1:
            raise SpecError(f"--workers {workers} must be at least 1.")
        self.ray = ray
        self.source, self.workers, self.address = source, workers, address
        self._started: _Pool | None = None

    @property
    def processes(self) -> int:
        """See `Engine`.

        Raises:
            SpecError: if the cluster is not there.
        """
        return self._pool().most

    def each(
        self,
        do: Callable[[Subject, Job], Found],
        jobs: Sequence[Job],
        subject: Subject,
        lost: Callable[[Job, str], Found] = refuse_loss,
    ) -> Iterator[tuple[int, Found]]:
        """Have workers do jobs; they stay for the next ones. See `Engine`."""
        for place, found in self._pool().each(do, jobs) if jobs else ():
            died = isinstance(found, self.ray.exceptions.RayActorError)
            yield place, lost(jobs[place], _death(found)) if died else found

    def close(self) -> None:
        """See `Engine`."""
        self._started = None
        self.ray.shutdown()

    def _pool(self) -> _Pool:
        """Return the workers; the first time, join the cluster or start one."""
        if self._started is None:
            alone = {"num_cpus": self.workers, "include_dashboard": False}
            cluster = {"address": self.address} if self.address else alone
            try:
                self.ray.init(**cluster, log_to_driver=False, logging_level="error")
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise SpecError(f"--engine ray: {' '.join(str(error).split())[:300]}") from error
            actor = self.ray.remote(Worker).options(num_cpus=1, num_gpus=int(self._on_gpus))
            given = self.source, torch.get_num_threads()
            self._started = _Pool(self.ray, lambda: actor.remote(*given), self._count())
        return self._started

    def _count(self) -> int:
        there = self.ray.cluster_resources()
        return self.workers or max(1, int(there.get("GPU" if self._on_gpus else "CPU", 1)))

    @property
    def _on_gpus(self) -> bool:
        return torch.device(self.source.device).type == "cuda"


def _death(error: Exception) -> str:
    return f"its worker died {TRIES} times: {' '.join(str(error).split())[:300]}"
