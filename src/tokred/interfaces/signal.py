"""The interface of a signal: the features that tokens are compared by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import nn

from tokred.interfaces.around import Around
from tokred.interfaces.memory import Memory, MemorySpec
from tokred.interfaces.place import Place
from tokred.interfaces.site import SiteKind
from tokred.interfaces.time import Time


class Probe(ABC):
    """A signal at work at one site: what it stands around, what it remembers, and the features it makes of both."""

    @property
    def around(self) -> Mapping[nn.Module, Around]:
        """What stands around which module, inside the site and its block; nothing by default."""
        return {}

    def state_spec(self, shape: tuple[int, int, int]) -> MemorySpec:
        """Declare what it remembers from call to call, given the shape `(B, N, C)` of the site's output.

        Tensors `[B, N, C]` are in the model's dtype, others in float32; they hold zeros at the start of a generation.
        """
        return {}

    def expect(self, wanted: bool) -> None:  # noqa: B027
        """Be told, before each call, whether features are asked for in it, or it is dense and there is a memory."""

    def offer(self, rows: torch.Tensor) -> None:  # noqa: B027
        """Be handed what the whole model returned at its last call; only if the signal is `of_model`.

        Args:
            rows: `[B, N, C, P]`, the channels of each of the P latent pixels of a token.
        """

    @abstractmethod
    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """Return the features of the image tokens, `[B, N, C']`.

        Args:
            tokens: what the site is called with, `[B, N, C]`.
            output: what it returns, its residual branch, `[B, N, C]`; None in a call that matches before the site runs.
            memories: what is remembered of the site: "signal" is the memory that `state_spec` declares, "output" that
                of the method's recovery, where there is one.
            time: the share of noise, see `Recovery`.
        """

    def observe(self, output: torch.Tensor, memory: Memory) -> None:  # noqa: B027
        """Remember a dense call: `output` is `[B, N, C]`, not to be kept by reference; `memory` is written in place.

        Called after `features`, where both are, and only if there is a memory.
        """


class Signal(ABC):
    """Features that a similarity compares: write `name` and `probe`, and what of the rest is not as it stands here.

    Attributes:
        name: what it is called; what its `repr` shows.
        needs_past: whether it needs a dense call before the one that matches.
        needs_forecast: whether it compares with what the method's recovery recalls, so that there must be a memory.
        remembers: whether probes remember anything.
        of_tokens: whether features have the channels of the site's tokens, which trained matchers ask for.
        of_model: whether it is what the whole model returned at its last call. All sites then reduce the same tokens,
            and the model's own output of these is recovered too.
        of_clean: whether it is rather the clean picture that this output foresees, of a model of velocities; of given
            pictures, these themselves.
    """

    name: str
    needs_past: bool = False
    needs_forecast: bool = False
    remembers: bool = False
    of_tokens: bool = False
    of_model: bool = False
    of_clean: bool = False

    def known_before(self, kind: SiteKind) -> bool:
        """Say whether a site of some kind has it before it runs, so that it can match and reduce in one call."""
        return False

    def missing(self, place: Place) -> str:
        """Say why a site cannot offer it, in one sentence without a full stop; "" where it can."""
        return ""

    @abstractmethod
    def probe(self, place: Place) -> Probe:
        """Make what works at one site."""

    def __repr__(self) -> str:
        return repr(self.name)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.name))
