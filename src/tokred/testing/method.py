"""Promises of a method."""

from __future__ import annotations

import torch

from tokred.engine.run import Run
from tokred.method import Method
from tokred.testing.applying import applications
from tokred.testing.check import Specimen, demand


def reduces_as_it_says(specimen: Specimen) -> None:
    """It removes tokens, as many as the report says and no larger share than it declares; outputs stay finite."""
    _reduce(specimen, torch.float32)


def reduces_in_bfloat16(specimen: Specimen) -> None:
    """In bfloat16 it reduces as it says too, and outputs are in bfloat16."""
    _reduce(specimen, torch.bfloat16)


def _reduce(specimen: Specimen, dtype: torch.dtype) -> None:
    for application in applications(specimen):
        model, method = application.host.model(dtype), specimen.make()
        run = application.apply(method, model)
        output = application.generate(model)
        what = f"{application.name} in {dtype}"
        demand(output.dtype == dtype, f"{what}: the output is {output.dtype}.")
        demand(bool(output.isfinite().all()), f"{what}: the output is not finite.")
        _demand_true_report(what, run, method)


def _demand_true_report(what: str, run: Run, method: Method) -> None:
    ratio, gone = method.scheduler.ratio, 0
    reduced = [call for call in run.report().calls if call.removed]
    demand(bool(reduced), f"{what}: no token was removed.")
    last = {call.site.name: call for call in reduced if call.removed < call.layout.image}
    for name, kept in run.kept_tokens().items() if last else ():
        tokens, removed = last[name].layout.image, last[name].removed
        few = removed - gone <= round(ratio * (tokens - gone))
        demand(few, f"{what}: {removed - gone} of {tokens - gone} tokens were removed at a ratio of at most {ratio}.")
        true = len(kept) == tokens - removed
        demand(true, f"{what}: {name} kept {len(kept)} of {tokens} tokens, and {removed} were to go.")
        gone = removed if "stream" in method.sites else 0
