"""A diffusers cache on a model: enabled and taken away by what diffusers offers its users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from tokred.engine.patch import is_cached
from tokred.errors import ConflictError, UnsupportedModel
from tokred.extras import extra

REGISTRY = "_diffusers_hook"
TRACES = frozenset({"forward", REGISTRY, "_cache_config"})
"""What diffusers leaves in a module's dictionary when its hooks are gone."""
FUNCTIONS = {
    "FasterCacheConfig": "apply_faster_cache",
    "FirstBlockCacheConfig": "apply_first_block_cache",
    "MagCacheConfig": "apply_mag_cache",
    "PyramidAttentionBroadcastConfig": "apply_pyramid_attention_broadcast",
    "SeaCacheConfig": "apply_sea_cache",
    "TaylorSeerCacheConfig": "apply_taylorseer_cache",
}
"""What enables each cache on any module, in `diffusers.hooks`."""


def make_config(name: str, **settings: Any) -> Any:
    """Make the configuration of a cache, one of `FUNCTIONS`.

    Raises:
        UnsupportedModel: if the installed diffusers does not have it.
    """
    with extra("bench"):
        import diffusers

    kind = getattr(diffusers, name, None)
    if kind is None:
        raise UnsupportedModel(f"diffusers {diffusers.__version__} has no {name}. Install a newer one.")
    return kind(**settings)


def cacheable(pipe: Any) -> nn.Module:
    """Return the transformer of a pipeline.

    Raises:
        UnsupportedModel: if it has none.
        ConflictError: if a cache is enabled on it already.
    """
    model = getattr(pipe, "transformer", None)
    if not isinstance(model, nn.Module):
        raise UnsupportedModel(f"{type(pipe).__name__} has no transformer, which is what diffusers' caches work on.")
    if any(is_cached(module) for module in model.modules()):
        raise ConflictError(f"A cache is enabled on this {type(model).__name__} already. Call disable_cache() first.")
    return model


@contextmanager
def enabled(model: nn.Module, config: Any) -> Iterator[None]:
    """Enable a cache; after the context every module is as before.

    Where the model's class has `enable_cache`, that is called; where not, diffusers' function for any module. A call
    that its pipeline puts into no `cache_context` is in one of ours.

    Raises:
        UnsupportedModel: if diffusers refuses the model, or finds nothing in it to cache.
    """
    from diffusers import CacheMixin

    before = {module: (_hooks(module), TRACES & module.__dict__.keys()) for module in model.modules()}
    try:
        _enable(model, config)
        if all(_hooks(module) == hooks for module, (hooks, _) in before.items()):
            raise _refused(model, config, "it finds nothing in the model to cache")
        with CacheMixin.cache_context(model, "call"):
            yield
    finally:
        if getattr(model, "is_cache_enabled", False):
            model.disable_cache()  # type: ignore[operator]
        for module, (hooks, traces) in before.items():
            _clean(module, hooks, traces)


def _enable(model: nn.Module, config: Any) -> None:
    from diffusers import hooks

    try:
        if hasattr(model, "enable_cache"):
            model.enable_cache(config)  # type: ignore[operator]
        else:
            getattr(hooks, FUNCTIONS[type(config).__name__])(model, config)
    except (ValueError, IndexError) as error:
        raise _refused(model, config, str(error)) from error


def _refused(model: nn.Module, config: Any, why: str) -> UnsupportedModel:
    name = type(config).__name__
    return UnsupportedModel(f"diffusers cannot enable {name} on {type(model).__name__}: {why.rstrip('.')}.")


def _hooks(module: nn.Module) -> list[str]:
    registry = module.__dict__.get(REGISTRY)
    return [] if registry is None else list(registry.hooks)


def _clean(module: nn.Module, hooks: list[str], traces: frozenset[str]) -> None:
    """Take away what a module has beyond the hooks and traces that it had; leave what others put there since."""
    slots = module.__dict__
    for name in reversed(_hooks(module)):
        if name not in hooks:
            slots[REGISTRY].remove_hook(name, recurse=False)
    if REGISTRY in traces:
        slots[REGISTRY]._child_registries_cache = None  # diffusers forgets this where no `enable_cache` is
    elif not _hooks(module):
        slots.pop(REGISTRY, None)
    if "forward" not in traces and slots.get("forward") == type(module).forward.__get__(module):
        del slots["forward"]
    if "_cache_config" not in traces:
        slots.pop("_cache_config", None)
