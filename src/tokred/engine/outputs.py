"""Finding and replacing the tokens in what a module returns."""

from __future__ import annotations

from typing import Any

import torch

from tokred.adapter import SiteSpec
from tokred.errors import UnsupportedModel


def token_output(spec: SiteSpec, result: Any) -> torch.Tensor:
    """Return the token tensor `[B, L, C]` in what a site's module returned.

    Raises:
        UnsupportedModel: if the module returned something else than its adapter says.
    """
    if spec.output is None and isinstance(result, torch.Tensor):
        return result
    if spec.output is not None and isinstance(result, tuple) and len(result) == 2:
        return result[spec.output]  # type: ignore[no-any-return]
    wanted = "a tensor" if spec.output is None else "a pair"
    got = f"{len(result)} values" if isinstance(result, tuple) else type(result).__name__
    raise UnsupportedModel(
        f"{spec.name} returned {got} where its adapter expects {wanted}. Unload what was added to the model (an "
        "IP-Adapter adds a value), or name other sites."
    )


def with_token_output(spec: SiteSpec, result: Any, tokens: torch.Tensor) -> Any:
    """Return `result` with the token tensor replaced by `tokens` `[B, L, C]`."""
    if spec.output is None:
        return tokens
    return (tokens, result[1]) if spec.output == 0 else (result[0], tokens)
