"""The row of an attention map that says what the class token attends to."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from einops import rearrange
from torch import nn

from tokred.arguments import Arguments, argument_names
from tokred.interfaces import Around, Forward, Place
from tokred.signals.slot import SlotProbe


class OfRow(Protocol):
    """A signal that is made of the class token's attention."""

    name: str

    def made(self, weights: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Make features `[B, L, C]` of the attention `[B, H, L]`, the keys and the values `[B, H, L, d]`."""
        ...


class ClassRow(SlotProbe):
    """Stands around an attention and works out one row of its map, from the class token's query and all keys.

    So memory stays linear in L.
    """

    def __init__(self, place: Place, signal: OfRow) -> None:
        super().__init__(place, signal.name)
        assert place.class_token is not None, "refused before"
        self.token = place.class_token
        self.made = signal.made
        self.names = argument_names(self.token.attention)
        self._forget()

    @property
    def around(self) -> dict[nn.Module, Around]:
        """See `Probe`."""
        token = self.token
        return {
            token.queries: self._see_queries,
            token.keys: self._see_keys,
            token.values: self._see_values,
            token.attention: self,
        }

    def __call__(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the attention."""
        self._forget()
        result = forward(*args, **kwargs)
        if self.slot.open:
            features = self._features(Arguments(self.names, args, kwargs))
            if features is not None:
                self.slot.offer(features)
        self._forget()
        return result

    @torch.no_grad()
    def _features(self, call: Arguments) -> torch.Tensor | None:
        """Return the signal `[B, L, C]`; None where the attention has not passed its queries, keys and values."""
        if self.query is None or self.keys is None or self.values is None:
            return None
        attended = self.keys if self.token.keys_of is None else self.token.keys_of(self.keys, call)
        logits = self.token.scale * self.query.float() @ attended.float().transpose(2, 3)
        mask = call.get(self.token.mask)
        if mask is not None:
            row = mask[..., :1, :]
            logits = logits.masked_fill(~row, -torch.inf) if row.dtype == torch.bool else logits + row
        weights: torch.Tensor = logits.softmax(dim=3)[:, :, 0]
        return self.made(weights, self.keys, self.values)

    def _forget(self) -> None:
        self.query: torch.Tensor | None = None  # of the class token, [B, H, 1, d]
        self.keys: torch.Tensor | None = None  # [B, H, L, d]
        self.values: torch.Tensor | None = None  # likewise

    def _see_queries(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        queries = forward(*args, **kwargs)
        self.query = self._by_heads(queries)[:, :, :1]
        return queries

    def _see_keys(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        keys = forward(*args, **kwargs)
        self.keys = self._by_heads(keys)
        return keys

    def _see_values(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made = forward(*args, **kwargs)
        self.values = self.token.values_of(made)
        return made

    def _by_heads(self, x: torch.Tensor) -> torch.Tensor:
        """Return queries or keys as `[B, H, L, d]`."""
        return x if x.ndim == 4 else rearrange(x, "b l (h d) -> b h l d", h=self.token.heads)
