"""A correspondence in which some tokens count more than others."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokred.errors import SpecError
from tokred.reduction import MergeMode, Reduction


@dataclass(frozen=True)
class WeightedReduction(Reduction):
    """The index form with a weight for each token: what a kept token holds is a sum by these weights.

    Attributes:
        weights: how much each of the N tokens counts, `[B or 1, N]`, float32. Where those of all tokens that follow
            a kept one add up to 1, that holds their mean; where they do not, it is that much longer or shorter.

    Examples:
        >>> pair = Reduction.from_pairs(2, src=torch.tensor([[1]]), dst=torch.tensor([[0]]))
        >>> reduction = WeightedReduction.of(pair, torch.tensor([[0.75, 0.25]]))
        >>> reduction.merge(torch.tensor([[[1.0], [5.0]]]), "mean").flatten()
        tensor([2.])
    """

    weights: torch.Tensor

    @staticmethod
    def of(reduction: Reduction, weights: torch.Tensor) -> WeightedReduction:
        """Add weights `[B or 1, N]` to a reduction in index form."""
        return WeightedReduction(reduction.kept, reduction.assign, weights.float())

    def merge(self, x: torch.Tensor, mode: MergeMode = "prune", sizes: torch.Tensor | None = None) -> torch.Tensor:
        """Reduce N tokens to K.

        Args:
            x: features of all image tokens, `[B, N, C]`.
            mode: "prune" leaves the kept tokens as they are; "mean" sums by `weights`, in float32; "weighted" lets each
                token count as often as `sizes` says besides, while the weights of a kept token's followers add up to
                what they did.
            sizes: how many tokens each of the N stands for already, `[B or 1, N]`; None where none stands for more
                than itself.

        Returns:
            `[B, K, C]` in the dtype of `x`.
        """
        if mode == "prune":
            return super().merge(x, mode)
        if mode == "mlerp":
            raise SpecError(f"merge={mode!r} is not a way to merge by weights. Allowed: prune, mean, weighted.")
        weights = self.weights if mode == "mean" or sizes is None else self._by_sizes(sizes)
        return self._sum(x * weights.unsqueeze(2)).to(x.dtype)

    def _by_sizes(self, sizes: torch.Tensor) -> torch.Tensor:
        """Return the weights times `sizes` `[B or 1, N]`, scaled so that each kept token's add up to as much."""
        sized = self.weights * sizes
        ratio = self.pool_sizes(self.weights) / self.pool_sizes(sized)
        return sized * ratio.nan_to_num(1.0, 1.0, 1.0).gather(1, self.assign.expand(len(ratio), -1))
