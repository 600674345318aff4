"""Finding and replacing the tokens in what a module returns."""

from __future__ import annotations

from typing import Any

import torch

from tokred.errors import UnsupportedModel
from tokred.family.signature import IMAGE
from tokred.family.site import SiteSpec


def token_output(spec: SiteSpec, result: Any) -> torch.Tensor:
    """Return the token tensor `[B, L, C]` in what a site's module returned.

    Raises:
        UnsupportedModel: if the module returned something else than its family's description says.
    """
    place, returns = spec.call.place, spec.call.returns
    if place is None and isinstance(result, torch.Tensor):
        return result
    if place is not None and isinstance(result, tuple) and len(result) == len(returns):
        return result[place]  # type: ignore[no-any-return]
    wanted = "a tensor" if place is None else f"{len(returns)} values"
    got = f"{len(result)} values" if isinstance(result, tuple) else type(result).__name__
    raise UnsupportedModel(
        f"{spec.name} returned {got} where its family's description expects {wanted}. Unload what was added to the "
        "model (an IP-Adapter adds a value), or name other sites."
    )


def context_output(spec: SiteSpec, result: Any) -> torch.Tensor | None:
    """Return what a site's module returned for the context that it was given apart; None where it returns none."""
    place = next((i for i, parts in enumerate(spec.call.returns) if parts == ("text",)), None)
    return None if place is None else result[place]


def with_outputs(spec: SiteSpec, tokens: torch.Tensor, context: torch.Tensor | None, result: Any = None) -> Any:
    """Return what a site's module would, with `tokens` `[B, L, C]` in their place.

    Args:
        spec: the site.
        tokens: stand where the image's tokens do.
        context: stands where the context does that was given apart, where there is no `result`.
        result: what the module has returned, for all else; None where it was not called.
    """
    if spec.call.place is None:
        return tokens
    if result is not None:
        return tuple(tokens if i == spec.call.place else value for i, value in enumerate(result))
    return tuple(tokens if IMAGE in parts else context if parts == ("text",) else None for parts in spec.call.returns)
