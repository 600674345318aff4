"""The interface of a similarity: how alike two tokens are, judged by which signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, get_args, runtime_checkable

from tokred.interfaces.site import SiteKind

if TYPE_CHECKING:
    import torch

Signal = Literal[
    "input",
    "block_input",
    "projection",
    "key",
    "key+input",
    "value",
    "class_attention",
    "class_attention+key",
    "significance",
    "output",
    "drift",
    "error",
    "model_output",
]
"""Which features are compared; see `Similarity.signal`."""
SIGNALS: tuple[Signal, ...] = get_args(Signal)
"""Every signal."""

OF_ATTENTION: tuple[Signal, ...] = (
    "key",
    "key+input",
    "value",
    "class_attention",
    "class_attention+key",
    "significance",
)
"""The signals that a block's attention makes on its way."""
NEED_PAST: tuple[Signal, ...] = ("drift", "error", "model_output")
"""The signals that need calls before the one that matches."""


def known_before(signal: Signal, kind: SiteKind) -> bool:
    """Say whether a site of some kind has its signal before it runs, so that it can match and reduce in one call."""
    if signal in OF_ATTENTION:
        return kind in ("mlp", "stream")
    return signal in ("input", "block_input", "projection", "model_output")


@runtime_checkable
class Similarity(Protocol):
    """Scores how well a destination token would stand in for a source token."""

    @property
    def signal(self) -> Signal:
        """The features that are compared.

        "input": what the site is called with; "block_input": what the transformer block around the site is called
        with (the residual stream, as ToMeSD compares it); "projection": what is projected from those tokens alone that
        are kept: the queries at an "attn" site, the values at a "kv" site, all heads side by side, before any norm of
        their own; "key": the keys that the block's attention projects, all heads side by side (as their mean in a ViT,
        as in ToMe); "key+input": these and the input side by side, each scaled to length 1, so that a cosine is the
        mean of their cosines; "value": its values, at an "mlp" site those of the last call in which the attention was
        called; "class_attention": how much the class token attends to each token, the mean over heads, `[B, N, 1]`;
        "class_attention+key": that number and the key beside it, the mean over heads, `[B, N, 1 + d]`; "significance":
        the attention, each head's times the length of the token's value, summed over heads (as in ATS), `[B, N, 1]`;
        "output": what the site returns, its residual branch; "drift": what that changed by since the
        site's last dense call; "error": what it differs by from the method's recovery's forecast; "model_output": what
        the whole model returned at its last call, the same for all sites. These three need a dense call before the one
        that matches. The first three and the last are known before the site runs, and what attention makes before an
        MLP does. At a "stream" site, which is between the two, "input" holds what the attention has added already.
        """
        ...

    def scores(self, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        """Compare every source with every destination.

        Called on a few sources at a time, so that memory stays linear in the number of tokens: a score must depend
        on its own pair only.

        Args:
            src: features of source tokens, `[B, S, C]`.
            dst: features of destination tokens, `[B, D, C]`.

        Returns:
            Scores `[B, S, D]` in float32, higher is closer; finite for tokens of zeros.
        """
        ...
