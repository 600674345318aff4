"""Rows measured by the workers of Ray, on one machine or many (Moritz et al., "Ray", OSDI 2018)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tokred.bench.contender import Contender
from tokred.bench.journal import Found, Journal
from tokred.bench.measuring import Measuring
from tokred.bench.outcome import Outcome, attempt, failed
from tokred.bench.result import Dense
from tokred.bench.settings import Settings
from tokred.bench.sources import Source
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


@dataclass(frozen=True)
class _Errand:
    """A contender on its way, and how many workers died over it."""

    contender: Contender
    worker: Any = None
    deaths: int = 0


class RayEngine:
    """Spreads rows over workers; one that dies is replaced, and costs its row a new try. See `tokred.bench.Engine`.

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

    def journal(self, folder: Path, found: Found) -> Journal:
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
            yield from self._errands(contenders, shared)
        finally:
            self.ray.shutdown()

    def _start(self) -> None:
        cluster = {"address": self.address} if self.address else {"num_cpus": self.workers, "include_dashboard": False}
        try:
            self.ray.init(**cluster, log_to_driver=False, logging_level="error")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise SpecError(f"--engine ray: {' '.join(str(error).split())[:300]}") from error

    def _errands(self, contenders: Sequence[Contender], shared: Sequence[Any]) -> Iterator[Outcome]:
        waiting = deque(_Errand(contender) for contender in contenders)
        idle = [self._worker(shared) for _ in range(min(len(contenders), self._count()))]
        busy: dict[Any, _Errand] = {}
        while waiting or busy:
            while waiting and idle:
                errand = replace(waiting.popleft(), worker=idle.pop())
                busy[errand.worker.measure.remote(errand.contender)] = errand
            (ready,), _ = self.ray.wait(list(busy), num_returns=1)
            errand = busy.pop(ready)
            try:
                outcome = self.ray.get(ready)
            except self.ray.exceptions.RayActorError as error:
                idle.append(self._worker(shared))
                errand = replace(errand, deaths=errand.deaths + 1)
                if errand.deaths < TRIES:
                    waiting.appendleft(errand)
                    continue
                said = f"its worker died {TRIES} times: {' '.join(str(error).split())[:300]}"
                yield Outcome(failed(errand.contender, said))
            else:
                idle.append(errand.worker)
                yield outcome

    def _worker(self, shared: Sequence[Any]) -> Any:
        return self.ray.remote(Worker).options(num_cpus=1, num_gpus=int(self._on_gpus)).remote(*shared)

    def _count(self) -> int:
        there = self.ray.cluster_resources()
        return self.workers or max(1, int(there.get("GPU" if self._on_gpus else "CPU", 1)))

    @property
    def _on_gpus(self) -> bool:
        return torch.device(self.source.device).type == "cuda"
