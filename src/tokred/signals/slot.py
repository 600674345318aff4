"""Features from elsewhere than the site's own call: from inside its block, or from the model."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tokred.errors import UnsupportedModel
from tokred.family.spans import split
from tokred.interfaces import Memory, Place, Probe, Time


class Slot:
    """Holds the first features that are offered in one model call, until they are taken.

    Attributes:
        wanted: whether the site asks for features in this call.
        features: `[B, L, C]`; None before they were offered.
    """

    def __init__(self) -> None:
        self.expect(False)

    def expect(self, wanted: bool) -> None:
        """Say whether features are wanted in the next call; forget those of the last."""
        self.wanted = wanted
        self.features: torch.Tensor | None = None

    @property
    def open(self) -> bool:
        """Whether features are wanted and none are there yet."""
        return self.wanted and self.features is None

    def offer(self, features: torch.Tensor) -> None:
        """Hold `features`, if they are wanted and the first."""
        if self.open:
            self.features = features

    def take(self) -> torch.Tensor | None:
        """Return the features and hold them no longer."""
        features = self.features
        self.expect(False)
        return features


class SlotProbe(Probe):
    """Makes features of what something that it stands around has put into its slot; what that is, others say.

    Args:
        place: the site.
        signal: name of the signal, for messages.
        order: the parts of the sequence whose features are offered; by default those of the block's attention.
    """

    def __init__(self, place: Place, signal: str, order: tuple[str, ...] | None = None) -> None:
        self.name = place.name
        self.signal = signal
        self.order = place.attended if order is None else order
        self.slot = Slot()

    def expect(self, wanted: bool) -> None:
        """See `Probe`."""
        self.slot.expect(wanted)

    def features(
        self, tokens: torch.Tensor, output: torch.Tensor | None, memories: Mapping[str, Memory], time: Time
    ) -> torch.Tensor:
        """See `Probe`."""
        return self.taken(tokens.shape[1])

    def taken(self, image: int) -> torch.Tensor:
        """Take what was offered, and return its rows of the `image` tokens, `[B, N, C]`.

        Raises:
            UnsupportedModel: if nothing was offered in this call, or the features of fewer tokens.
        """
        features = self.slot.take()
        if features is None or features.shape[1] < image:
            made = "none" if features is None else f"those of {features.shape[1]} tokens"
            raise UnsupportedModel(
                f"{self.name} matches by signal={self.signal!r} of all {image} image tokens, and its block has made "
                f"{made} in this call. Let a block's sites match at the same steps, or use another signal."
            )
        return split(features, self.order, image)[1]
