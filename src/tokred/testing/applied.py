"""Promises of what is applied to a model: methods, and adapters with a method of tokred's own parts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from torch import nn

from tokred.errors import TokredError
from tokred.testing.applying import applications
from tokred.testing.check import Specimen, demand, same
from tokred.testing.snapshot import changes, snapshot


def ratio_zero_changes_nothing(specimen: Specimen) -> None:
    """With ratio=0 a model computes what it computes alone, bit for bit."""
    for application in applications(specimen, ratio=0.0):
        part = specimen.make(ratio=0.0) if specimen.kind == "method" else specimen.make()
        model = application.host.model()
        expected = application.generate(model)
        run = application.apply(part, model)
        demand(same(application.generate(model), expected), f"{application.name}: the output changed at ratio 0.")
        removed = any(call.removed for call in run.report().calls)
        demand(not removed, f"{application.name}: tokens were removed at ratio 0.")


def removal_is_exact(specimen: Specimen) -> None:
    """After `remove` every module of the model is as it was, and a second application does the same again."""
    for application in applications(specimen):
        part, model = specimen.make(), application.host.model()
        before, results = snapshot(model), []
        for _ in range(2):
            run = application.apply(part, model)
            results.append(application.generate(model))
            run.remove()
        left = changes(before, snapshot(model))
        demand(not left, f"{application.name}: remove() left changes behind: {', '.join(left[:3])}.")
        demand(same(*results), f"{application.name}: applied again, it does something else.")


def an_exception_leaves_no_trace(specimen: Specimen) -> None:
    """After an exception in the middle of a generation the next one is right, and removal is exact."""
    for application in applications(specimen):
        part, model = specimen.make(), application.host.model()
        before = snapshot(model)
        run = application.apply(part, model)
        expected = application.generate(model)
        with _Interrupting(model) as counting:
            application.generate(model)
        with suppress(_Interrupted), _Interrupting(model, counting.calls * 3 // 4):
            application.generate(model, seed=1)
        again = application.generate(model)
        demand(same(again, expected), f"{application.name}: after an exception the next generation is another.")
        with suppress(TokredError):  # that removal works at all is the promise above
            run.remove()
            left = changes(before, snapshot(model))
            demand(not left, f"{application.name}: after an exception remove() left {', '.join(left[:3])}.")


class _Interrupted(Exception):
    """What is raised in the middle of a generation."""


class _Interrupting:
    """Inside a `with` block lets a model's linear layers raise at their `at`-th call, and counts their calls."""

    def __init__(self, model: nn.Module, at: int = -1) -> None:
        self.layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
        self.at = at
        self.calls = 0

    def __enter__(self) -> _Interrupting:
        self.hooks = [layer.register_forward_pre_hook(self._note) for layer in self.layers]
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self.hooks:
            hook.remove()

    def _note(self, module: nn.Module, args: Any) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise _Interrupted
