"""The row of an attention map that says what the class token attends to."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tokred.adapter import ClassToken
from tokred.engine.arguments import Arguments, argument_names
from tokred.engine.patch import Around, Forward
from tokred.engine.taps import Held
from tokred.interfaces import Signal

CLASS_SIGNALS: tuple[Signal, ...] = ("class_attention", "class_attention+key", "significance")


class ClassTap:
    """Stands around an attention and offers how much its class token attends to each token, `[B, L, 1]`.

    For "class_attention+key" its key stands beside that number, the mean over heads, `[B, L, 1 + d]`. Only this row of
    the map is worked out, from the class token's query and all keys, so that memory stays linear in L.

    Attributes:
        around: what stands around which module, the attention last.
    """

    def __init__(self, token: ClassToken, signal: Signal, held: tuple[Held, ...]) -> None:
        """See `ClassToken`; `held` is what the sites of the block wait for."""
        self.token = token
        self.signal = signal
        self.held = held
        self.names = argument_names(token.attention)
        self.around: dict[nn.Module, Around] = {
            token.queries: self._see_queries,
            token.keys: self._see_keys,
            token.values: self._see_values,
            token.attention: self,
        }
        self._forget()

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the attention."""
        self._forget()
        result = forward(*args, **kwargs)
        if any(held.wanted for held in self.held):
            features = self._features(Arguments(self.names, args, kwargs).get(self.token.mask))
            if features is not None:
                for held in self.held:
                    held.offer(features)
        self._forget()
        return result

    @torch.no_grad()
    def _features(self, mask: torch.Tensor | None) -> torch.Tensor | None:
        """Return the signal `[B, L, C]`; None where the attention has not passed its queries, keys and values."""
        if self.query is None or self.keys is None or self.values is None:
            return None
        logits = self.token.scale * self.query.float() @ self.keys.float().transpose(2, 3)
        if mask is not None:
            row = mask[..., :1, :]
            logits = logits.masked_fill(~row, -torch.inf) if row.dtype == torch.bool else logits + row
        weights: torch.Tensor = logits.softmax(dim=3)[:, :, 0]
        attended = weights.mean(dim=1).unsqueeze(2)
        if self.signal == "class_attention":
            return attended
        if self.signal == "class_attention+key":
            return torch.cat([attended, self.keys.float().mean(dim=1)], dim=2)
        lengths: torch.Tensor = torch.linalg.vector_norm(self.values.float(), dim=3)
        return (weights * lengths).sum(dim=1).unsqueeze(2)

    def _forget(self) -> None:
        self.query: torch.Tensor | None = None  # of the class token, [B, H, 1, d]
        self.keys: torch.Tensor | None = None  # [B, H, L, d]
        self.values: torch.Tensor | None = None  # likewise

    def _see_queries(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        queries = forward(*args, **kwargs)
        self.query = queries[:, :, :1]
        return queries

    def _see_keys(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.keys = forward(*args, **kwargs)
        return self.keys

    def _see_values(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made = forward(*args, **kwargs)
        self.values = self.token.values_of(made)
        return made
