"""A cache of cache-dit on a model: enabled by what cache-dit offers its users, and taken away without a trace."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from tokred.baselines.caching import Generation
from tokred.engine.pipeline_steps import Followed
from tokred.errors import ConflictError, UnsupportedModel


@dataclass(frozen=True)
class DitSettings:
    """What cache-dit is told.

    Attributes:
        cache: of its `DBCacheConfig`.
        calibrator: a configuration of a calibrator; None for none.
    """

    cache: dict[str, Any]
    calibrator: Any = None


Settings = Callable[[list[nn.ModuleList]], DitSettings]
"""Makes the settings for the lists of blocks that are cached."""
Slots = dict[nn.Module, dict[str, Any]]
"""What modules hold, by name."""


@contextmanager
def dit_enabled(model: nn.Module, generation: Generation, settings: Settings) -> Iterator[None]:
    """Enable a cache of cache-dit on a transformer alone; after the context every module is as before.

    Two guidance branches that are called apart have a memory each; where there is one call in a step, one stays empty.

    Raises:
        UnsupportedModel: if cache-dit does not know the blocks of the model.
        ConflictError: if it would write over what stands in for the model's forward.
    """
    before = {module: _slots(module) for module in model.modules()}
    with ExitStack() as stack:
        try:
            with _quiet():
                contexts = _enable(model, generation.pipe, settings)
        finally:
            stack.callback(_undo, model, before[model], _given(before), _replaced(before))

        def align() -> None:
            for context in contexts:  # cache-dit tells the branches apart by counting calls, two in each step
                context.transformer_executed_steps = 2 * context.executed_steps

        stack.callback(Followed(generation.scheduler, "step", align).remove)
        yield


def _enable(model: nn.Module, pipe: Any, settings: Settings) -> list[Any]:
    """Enable the cache; return the memories of its lists of blocks."""
    import cache_dit

    adapter = _adapter(model, pipe)
    chosen = settings(cache_dit.BlockAdapter.flatten(adapter.blocks))
    config = cache_dit.DBCacheConfig(
        **chosen.cache,
        enable_separate_cfg=True,
        num_inference_steps=sys.maxsize,  # at the last of them it would leave statistics on the modules
    )
    cache_dit.enable_cache(adapter, cache_config=config, calibrator_config=chosen.calibrator)
    names = cache_dit.BlockAdapter.flatten(adapter.unique_blocks_name)
    return [adapter.pipe._context_manager.get_context(name) for name in names]


def _adapter(model: nn.Module, pipe: Any) -> Any:
    """Return cache-dit's description of a model's blocks, on a pipeline that holds nothing but the model.

    cache-dit finds it by the names of classes; those of a pipeline's bases count too.
    """
    from cache_dit.caching.block_adapters import BlockAdapter, BlockAdapterRegister, FakeDiffusionPipeline

    kinds = [kind.__name__ for kind in (*type(pipe).__mro__, *type(model).__mro__)]
    known = BlockAdapterRegister._adapters
    found = next(((kind, prefix) for kind in kinds for prefix in known if kind.startswith(prefix)), None)
    if found is None:
        raise UnsupportedModel(
            f"cache-dit does not know {type(pipe).__name__}, nor the blocks of its {type(model).__name__}. Use another "
            "cache, such as taylor_seer."
        )
    kind, prefix = found
    stands, own = model.forward, type(model).forward.__get__(model)
    holder = type(kind, (FakeDiffusionPipeline,), {})(model)  # a class of its own, on which cache-dit leaves a mark
    holder.controlnet = getattr(pipe, "controlnet", None)
    try:
        adapter = BlockAdapter.normalize(known[prefix](holder))
    except (AssertionError, AttributeError, ValueError) as error:
        raise UnsupportedModel(f"cache-dit refuses {type(model).__name__}: {str(error).rstrip('.')}.") from error
    if stands not in (model.forward, own):
        raise ConflictError(
            f"Something stands in for the forward of this {type(model).__name__}, such as a method of tokred or "
            "offloading, and cache-dit would write over it. Take that away first."
        )
    return adapter


@contextmanager
def _quiet() -> Iterator[None]:
    """Let cache-dit print errors alone."""

    def is_error(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    handlers = logging.getLogger("CACHE_DIT").handlers  # those of all its loggers
    for handler in handlers:
        handler.addFilter(is_error)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_error)


def _slots(module: nn.Module) -> dict[str, Any]:
    """Return what a module holds by name, its submodules too."""
    return vars(module) | module._modules


def _given(before: Slots) -> list[tuple[nn.Module, str]]:
    """Return what modules hold since, by module and name."""
    return [(module, name) for module, slots in before.items() for name in _slots(module).keys() - slots.keys()]


def _replaced(before: Slots) -> list[tuple[nn.Module, Any]]:
    """Return what stood in for the forwards of modules in which something else does since."""
    stood = [(module, slots["forward"]) for module, slots in before.items() if "forward" in slots]
    return [(module, forward) for module, forward in stood if vars(module).get("forward") is not forward]


def _undo(
    model: nn.Module, before: dict[str, Any], given: list[tuple[nn.Module, str]], replaced: list[tuple[nn.Module, Any]]
) -> None:
    """Take away what was given, put back what was replaced, and the model's submodules in their order."""
    for module, name in given:
        if name in _slots(module):
            delattr(module, name)
    for module, forward in replaced:
        module.__dict__["forward"] = forward
    own = [name for name in before if name in model._modules]
    for name in [*own, *(model._modules.keys() - own)]:  # each call has put the lists of blocks at the end
        model._modules[name] = model._modules.pop(name)
