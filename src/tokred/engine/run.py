"""A method at work on a model: what `apply` returns."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import torch
from torch import nn

from tokred.engine.ledger import Ledger
from tokred.engine.memory import memory_bytes, remembered_dtype
from tokred.engine.model_site import ModelSite
from tokred.engine.patch import PatchedForward
from tokred.engine.report import Report
from tokred.engine.site import Site
from tokred.engine.stream import StreamSite
from tokred.errors import ConflictError
from tokred.layout import Layout
from tokred.method import Method


class Run:
    """A method applied to a model, or to all that a pipeline draws with, until `remove` or the end of the `with` block.

    Attributes:
        models: the models that are patched, by their names in the pipeline; one by itself is called "".
        method: what is applied to it.
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        method: Method,
        sites: list[Site | StreamSite | ModelSite],
        ledger: Ledger,
        patches: list[PatchedForward],
        undo: list[Callable[[], None]],
    ) -> None:
        self.models = models
        self.method = method
        self._sites = sites
        self._ledger = ledger
        self._patches = patches
        self._undo = undo

    @property
    def model(self) -> nn.Module:
        """The model that is patched; the first, where a pipeline has several."""
        return next(iter(self.models.values()))

    @property
    def sites(self) -> list[str]:
        """Names of the modules whose tokens are reduced."""
        return [site.spec.name for site in self._sites]

    @property
    def _classes(self) -> str:
        """The models' classes, each once."""
        return " and ".join(dict.fromkeys(type(model).__name__ for model in self.models.values()))

    def report(self) -> Report:
        """Say what the last generation computed."""
        ledger = self._ledger
        return Report(
            method=self.method.name,
            model=self._classes,
            calls=tuple(ledger.calls),
            matches=tuple(ledger.matches),
            seconds=tuple(ledger.seconds),
            generations=ledger.generations,
            unplanned=ledger.unplanned,
            notes=tuple(ledger.notes),
        )

    def memory(self, batch: int, layout: Layout, dtype: torch.dtype | None = None) -> int:
        """Say how much the method remembers during a generation, before there is one.

        Args:
            batch: number of samples in a model call.
            layout: how the call's tokens are made up, such as `Layout(grids=((64, 64),), text=512)`.
            dtype: of the latents; by default that of the model's weights.

        Returns:
            Bytes, for one guidance branch: dense outputs, keys and values, and the matcher's counts. What an activation
            takes, and the correspondences (a few numbers per token), come on top.
        """
        dtype = remembered_dtype(self.method.memory, dtype or next(next(iter(self.models.values())).parameters()).dtype)
        total = 0
        for site in self._sites:
            total += sum(memory_bytes(spec, dtype) for spec in site.promised_memory(batch, layout).values())
        for group in {site.group for site in self._sites if site.spec.kind != "model"}:
            shapes = self.method.matcher.state_spec((group.rows(batch), layout.image))
            total += memory_bytes(shapes, torch.float32)
        return total

    def kept_tokens(self) -> dict[str, list[int]]:
        """Return, for each site, the tokens that its last match keeps of the first sample, in ascending order."""
        states = {site.spec.name: list(site.states.values())[-1:] for site in self._sites}
        kept = {name: last[0].kept_places for name, last in states.items() if last}
        return {name: sorted(places[0].tolist()) for name, places in kept.items() if places is not None}

    def remove(self) -> None:
        """Give the model back exactly as it was; does nothing the second time.

        Raises:
            ConflictError: if something was wrapped around a patched module since. The model then computes densely,
                and `remove` can be called again.
        """
        for undo in self._undo:
            undo()
        self._undo.clear()
        for site in self._sites:
            site.reset()
        self._patches = [patch for patch in reversed(self._patches) if not patch.restore()][::-1]
        if self._patches:
            raise ConflictError(
                f"{len(self._patches)} modules of {self._classes} were wrapped by something else after "
                "tokred. Remove that first (for example disable_cache()), then call run.remove() again."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        report = self.report()
        self.remove()
        if kind is None and report.calls and not any(call.reduced for call in report.calls):
            warnings.warn(f"tokred: {self.method.name} reduced nothing in the last generation.", stacklevel=2)

    def __repr__(self) -> str:
        method = self.method
        return (
            f"Run({method.name}: {'+'.join(method.sites)} of {self._classes}, {len(self._sites)} sites, "
            f"ratio at most {method.scheduler.ratio:g}, keys {method.attended})"
        )
