"""Promises of a signal."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import nn

from tokred.engine.patch import PatchedForward
from tokred.interfaces import ClassToken, Memory, Place, Shown, Signal, Time
from tokred.parts import Cached
from tokred.testing.check import Specimen, Stage, demand
from tokred.testing.data import features

HEADS = 2


class Block(nn.Module):
    """An attention's insides, with a class token before the image tokens."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.norm_q, self.norm_k = nn.Identity(), nn.Identity()
        for index, weight in enumerate(self.parameters()):
            values = torch.randn(weight.shape, generator=torch.Generator().manual_seed(index))
            weight.data.copy_(values)

    def forward(self, hidden_states: torch.Tensor, attn_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Make queries, keys and values of `[B, L, C]`, and return their sum."""
        keys, values = self.to_k(hidden_states), self.to_v(hidden_states)
        queries = self.norm_q(_by_heads(self.to_q(hidden_states)))
        return queries.transpose(1, 2).flatten(2) + self.norm_k(_by_heads(keys)).transpose(1, 2).flatten(2) + values  # type: ignore[no-any-return]

    def place(self) -> Place:
        """Return it as an "mlp" site of a whole that has everything."""
        token = ClassToken(self, self.norm_q, self.norm_k, self.to_v, _by_heads, 1.0)
        return Place(
            name="site",
            kind="mlp",
            module=self,
            recovery=Cached(),
            block=self,
            projection=self.to_q,
            keys=Shown(self.to_k),
            values=self.to_v,
            class_token=token,
        )


def signal_stages(specimen: Specimen) -> list[Stage]:
    """Make the features of the second of two calls."""
    return [Stage("features", features(), _perform)]


def has_a_name(specimen: Specimen) -> None:
    """Its name is the one that it is registered under, and the same object is equal to another of its class."""
    signal: Signal = specimen.make()
    registered = specimen.name in (signal.name, type(signal).__name__)
    demand(registered, f"it is called {signal.name!r}, and is found by {specimen.name!r}. Make them one.")
    demand(signal == specimen.make(), "two of its class are not equal, so that methods with it are not.")


def features_have_a_row_per_token(specimen: Specimen) -> None:
    """Features are `[B, N, C]`, with the tokens' channels if it says so; a memory is declared if it has one."""
    signal: Signal = specimen.make()
    x = features()
    made, probe = _perform(signal, x.clone(), False), signal.probe(Block(x.shape[2]).place())
    demand(made.ndim == 3 and made.shape[:2] == x.shape[:2], f"features of {list(x.shape)} are {list(made.shape)}.")
    demand(not signal.of_tokens or made.shape == x.shape, f"of_tokens is set, and features are {list(made.shape)}.")
    declared = bool(probe.state_spec((1, 1, 1)))
    demand(signal.remembers or not declared, "it declares a memory and does not say so. Set `remembers`.")


def _perform(signal: Any, x: torch.Tensor, compiled: bool) -> torch.Tensor:
    """Call a site twice, on other tokens and on `x` `[B, N, C]`; return the second call's features."""
    block = Block(x.shape[2]).to(x.device)
    place = block.place()
    probe = signal.probe(place)
    specs = {"signal": probe.state_spec(tuple(x.shape)), "output": Cached().state_spec((*x.shape[:2], x.shape[2]))}
    memories: dict[str, Memory] = {
        what: {name: torch.zeros(shape) for name, shape in spec.items()} for what, spec in specs.items()
    }
    for module, around in probe.around.items():
        PatchedForward(module, around).install()
    time, made = Time.at(torch.ones(())), x
    for tokens in (x * 0.5 + 1, x):
        probe.expect(True)
        probe.offer(tokens.clone().unsqueeze(3))
        output = block(torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1))[:, 1:]
        made = probe.features(tokens, output, memories, time).clone()
        Cached().observe(output, memories["output"], time, None)
        if memories["signal"]:
            probe.observe(output, memories["signal"])
    return made


def _by_heads(x: torch.Tensor) -> torch.Tensor:
    """Return `x` `[B, L, C]` as `[B, H, L, d]`."""
    heads: torch.Tensor = rearrange(x, "b l (h d) -> b h l d", h=HEADS)
    return heads
