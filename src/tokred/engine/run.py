"""A method at work on a model: what `apply` returns."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn

from tokred.engine.ledger import Ledger
from tokred.engine.memory import memory_bytes, remembered_dtype
from tokred.engine.model_site import ModelSite
from tokred.engine.patch import PatchedForward, patch_of
from tokred.engine.report import Kept, Report
from tokred.engine.site import Site
from tokred.engine.site_call import SiteCall
from tokred.engine.stream import StreamSite
from tokred.errors import ConflictError, SpecError
from tokred.extras import extra
from tokred.interfaces import Match, Plan
from tokred.layout import Layout
from tokred.method import Method

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        for patch in patches:
            patch.run = self  # so that it is found when nobody else holds it

    @property
    def model(self) -> nn.Module:
        """The model that is patched; the first, where a pipeline has several."""
        return next(iter(self.models.values()))

    @property
    def sites(self) -> list[str]:
        """Names of the modules whose tokens are reduced."""
        return [site.spec.name for site in self._sites]

    @property
    def modules(self) -> list[nn.Module]:
        """The modules whose tokens are reduced, in the order of `sites`."""
        return [site.spec.module for site in self._sites]

    @property
    def _classes(self) -> str:
        """The models' classes, each once."""
        return " and ".join(dict.fromkeys(type(model).__name__ for model in self.models.values()))

    @property
    def calls(self) -> tuple[SiteCall, ...]:
        """What each site computed in the last generation, in order."""
        return tuple(self._ledger.calls)

    def planned(self, steps: int, layout: Layout, pmr: float = 1.0) -> list[list[Plan]]:
        """Say what each site does at each step of a generation, in the order of `sites`.

        Args:
            steps: number of steps.
            layout: how a call's tokens are made up.
            pmr: the pair match ratio that every match is taken to have with the one before.
        """
        plan, matches, steps_planned = self.method.scheduler.plan, list[Match](), list[list[Plan]]()
        for step in range(steps):
            plans = [plan(step, steps, site.info_in(layout), matches) for site in self._sites]
            steps_planned.append(plans)
            if any(each.phase.matches for each in plans):
                matches.append(Match(step, pmr))
        return steps_planned

    def report(self) -> Report:
        """Say what the last generation computed."""
        ledger = self._ledger
        return Report(
            method=self.method.name,
            model=self._classes,
            calls=self.calls,
            matches=tuple(ledger.matches),
            kept=tuple(Kept(step, site, tuple(sorted(x[0].tolist()))) for step, (site, x) in ledger.kept.items()),
            seconds=tuple(ledger.seconds),
            generations=ledger.generations,
            unplanned=ledger.unplanned,
            notes=tuple(ledger.notes),
        )

    def plot(self) -> Figure:
        """Draw what the last generation computed: the share of the tokens at each step, and which those were.

        Raises:
            MissingPackage: if matplotlib is not installed.
        """
        with extra("plot"):
            from tokred.engine.report_figure import report_figure

        return report_figure(self.report())

    def memory(self, batch: int, layout: Layout, dtype: torch.dtype | None = None) -> int:
        """Say how much the method remembers during a generation, before there is one.

        Args:
            batch: number of samples in a model call.
            layout: how the call's tokens are made up, such as `Layout(grids=((64, 64),), text=512)`.
            dtype: of the latents; by default that of the model's widest weights, since others may be stored in less.

        Returns:
            Bytes, for one guidance branch: dense outputs, keys and values, and the matcher's counts. What an activation
            takes, and the correspondences (a few numbers per token), come on top.
        """
        widest = max((weight.dtype for weight in self.model.parameters()), key=lambda kind: kind.itemsize)
        dtype = remembered_dtype(self.method.memory, dtype or widest)
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

    def forget(self) -> None:
        """Let go of what the last generation remembers, such as dense outputs; its report stays.

        In the middle of a generation this is safe: its next step is computed densely.
        """
        for site in self._sites:
            site.reset()

    def remove(self) -> None:
        """Give the model back exactly as it was; does nothing the second time.

        What was wrapped around its modules since, such as offloading or an enabled cache, stays.

        Raises:
            ConflictError: if a module's forward was replaced by something that does not lead to tokred's. The model
                then computes densely, and `remove` can be called again.
        """
        for undo in self._undo:
            undo()
        self._undo.clear()
        self.forget()
        self._patches = [patch for patch in reversed(self._patches) if not patch.restore()][::-1]
        if self._patches:
            shown = ", ".join(f"a {type(patch.module).__name__}'s {patch.method}" for patch in self._patches[:3])
            raise ConflictError(
                f"{len(self._patches)} functions of {self._classes} were replaced after tokred.apply(), and do not "
                f"call what they replaced: {shown}. Put back what they replaced, then call run.remove() again."
            )

    def __enter__(self) -> Self:
        if not self._undo:
            raise SpecError(f"{self.method.name} was removed from {self._classes}. Call tokred.apply() for a new run.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        calls = self.calls
        self.remove()
        if kind is None and calls and not any(call.reduced for call in calls):
            warnings.warn(f"tokred: {self.method.name} reduced nothing in the last generation.", stacklevel=2)

    def __repr__(self) -> str:
        method = self.method
        return (
            f"Run({method.name}: {'+'.join(method.sites)} of {self._classes}, {len(self._sites)} sites, "
            f"ratio at most {method.scheduler.ratio:g}, keys {method.attended})"
        )


def remove(target: Any) -> None:
    """Take tokred off a pipeline or a model, whichever run put it there; does nothing where nothing is applied.

    For a run that was lost, and for a deep copy or a saved model, which carry a run of their own.

    Args:
        target: what was given to `apply`, or a copy of it.

    Raises:
        ConflictError: see `Run.remove`.

    Examples:
        >>> tokred.apply(pipe, "balanced")  # doctest: +SKIP
        >>> tokred.remove(pipe)  # doctest: +SKIP
    """
    parts = target.components.values() if hasattr(target, "components") else [target]
    modules = [module for part in parts if isinstance(part, nn.Module) for module in part.modules()]
    for run in {id(run): run for module in modules if (run := run_of(module)) is not None}.values():
        run.remove()


def run_of(module: nn.Module) -> Run | None:
    """Return the run that stands in for the forward of `module`, if one does."""
    patch = patch_of(module)
    return None if patch is None else patch.run
