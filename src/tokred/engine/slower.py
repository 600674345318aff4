"""A warning where a method makes a model slower, by a rule that costs nothing to apply."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from tokred.engine.site_call import SiteCall
from tokred.errors import SlowerWarning
from tokred.family.description import Family
from tokred.family.sites import sites_of
from tokred.interfaces import Phase, Plan

if TYPE_CHECKING:
    from tokred.engine.run import Run
    from tokred.estimation.devices import Device

SURE = 0.95
"""Below which estimated speedup it is said; between this and 1 the rule is not fine enough."""
STARTS = 3.5
"""Operations that the host starts for one module without children, views included; 2.2 to 4.4 in released models."""
REACHED = 0.31
"""Share of a device's FLOP/s that dense models reach, bytes that are moved included; 0.24 to 0.37 likewise."""
ADDED = {Phase.DENSE: 0, Phase.MATCH: 17, Phase.REDUCE: 5, Phase.MATCH_REDUCE: 32, Phase.ORACLE: 32}
"""Operations that a method adds at a site, views included."""
REMEMBERED = 12
"""Those that recoveries with a memory add to them, at any site that is called."""


class SlowerCheck:
    """Compares what a method adds for the host with what it saves the device, once, after the first model call.

    Args:
        model: the method is applied to it.
        family: describes it.
    """

    def __init__(self, model: nn.Module, family: Family) -> None:
        self.model, self.family = model, family
        self.run: Run | None = None

    def look(self, output: Any, calls: Sequence[SiteCall]) -> None:
        """Warn where a generation like the call that was just made takes longer than a dense one."""
        run, self.run = self.run, None
        if run is None or not calls:
            return
        made = output if isinstance(output, torch.Tensor) else next(iter(output), None)
        if not isinstance(made, torch.Tensor):
            return
        device = device_of(made)
        if device is None or _is_compiled(self.model, run):
            return
        speedup = self._speedup(run, calls, device, made.dtype)
        if speedup < SURE:
            warnings.warn(
                f"tokred: {run.method.name} is estimated to make this generation {speedup:.2f} times as fast on "
                f"{device.name}, which is slower: the host cannot start its many small operations in the time that it "
                "saves. Compile after tokred.apply(), as in pipe.transformer.compile_repeated_blocks(fullgraph=True); "
                "or use a larger interval, share=1, or larger pictures. tokred.estimate says what each gives. "
                'warnings.filterwarnings("ignore", category=tokred.SlowerWarning) switches this off.',
                SlowerWarning,
                stacklevel=2,
            )

    def _speedup(self, run: Run, calls: Sequence[SiteCall], device: Device, dtype: torch.dtype) -> float:
        """Estimate the time of a dense generation over that of one with the method."""
        first = calls[0]
        rate = REACHED * (device.single if dtype == torch.float32 else device.half)
        blocks = [spec for spec in sites_of(self.family, self.model) if spec.kind == "block" and spec.cost]
        tokens = first.layout.image + first.context
        flops = first.batch * sum(spec.cost.flops(tokens, tokens, tokens) for spec in blocks if spec.cost)
        starts = STARTS * _modules(self.model)
        dense = max(device.start * starts, flops / rate)
        remembers = REMEMBERED * bool(run.method.recovery.state_spec((1, 1, 1)))
        steps = run.planned(first.position.steps, first.layout)
        times = []
        for plans in steps:
            started, saved = starts, 0.0
            for call, plan, module in zip(calls, plans, run.modules, strict=False):
                started += _started(plan, module, remembers)
                saved += call.dense_flops - _as_planned(call, plan).flops
            times.append(max(device.start * started, (flops - saved) / rate))
        return dense * len(times) / sum(times)


def device_of(tensor: torch.Tensor) -> Device | None:
    """Return the figures of the CUDA device that holds a tensor; None where it is another, or they are not known."""
    from tokred.estimation.devices import named

    if not tensor.is_cuda or type(tensor) is not torch.Tensor:
        return None
    return named(torch.cuda.get_device_name(tensor.device))


def _started(plan: Plan, module: nn.Module, remembers: int) -> float:
    """Say how many operations a site adds."""
    if plan.skips:
        return -STARTS * _modules(module)
    return ADDED[plan.phase] + remembers


def _as_planned(call: SiteCall, plan: Plan) -> SiteCall:
    removed = round(plan.ratio * call.layout.image) if plan.phase.reduces else 0
    return call._replace(phase=plan.phase, removed=removed, skipped=plan.skips)


def _modules(module: nn.Module) -> int:
    """Count the modules without children."""
    return sum(not each._modules for each in module.modules())


def _is_compiled(model: nn.Module, run: Run) -> bool:
    """Say whether a model or anything in it is compiled, or its class was in this process."""
    if any(module._compiled_call_impl is not None for module in model.modules()):
        return True
    entries = getattr(torch._C._dynamo.eval_frame, "_debug_get_cache_entry_list", None)
    if entries is None:  # it is no public function; without it, say nothing rather than something wrong
        return True
    codes = {function.__code__ for module in (model, *run.modules) for function in _forwards(module)}
    return any(entries(code) for code in codes)


def _forwards(module: nn.Module) -> Iterator[Callable[..., Any]]:
    for function in (type(module).forward, getattr(module.forward, "__func__", None)):
        if hasattr(function, "__code__"):
            yield function  # type: ignore[misc]
