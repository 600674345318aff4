"""A correspondence between all image tokens and the few that are computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import torch

from tokred.errors import SpecError

MergeMode = Literal["prune", "mean", "weighted", "mlerp"]
"""What a kept token holds: its own features, or a mixture of those it stands for; see `Reduction.merge`."""
MERGE_MODES: tuple[MergeMode, ...] = get_args(MergeMode)


@dataclass(frozen=True)
class Reduction:
    """Which of N image tokens are kept, and whose value each removed one takes.

    The batch axis of all fields is 1 when the batch shares one correspondence. This is the index form: a removed token
    has one destination. `tokred.LinearReduction` is the form with weights.

    Attributes:
        kept: positions of the kept tokens, in the order of the merged rows, `[B or 1, K]`, int64; ascending unless
            it was built otherwise.
        assign: for each of the N tokens, the place in `kept` of the token it follows (its own place where it is
            kept itself), `[B or 1, N]`, int64.
        kept_rows: `kept` as positions in the rows of all samples together, `[B or 1, K]`. Made here, once for a match:
            every call that it serves is an addition and a product shorter, which the host would have to start.
        assign_rows: `assign` likewise, in the rows of the kept tokens, `[B or 1, N]`.

    Examples:
        >>> reduction = Reduction.from_pairs(4, src=torch.tensor([[1]]), dst=torch.tensor([[2]]))
        >>> reduction.kept
        tensor([[0, 2, 3]])
        >>> reduction.unmerge(torch.tensor([[[10.0], [20.0], [30.0]]])).flatten()
        tensor([10., 20., 20., 30.])
    """

    kept: torch.Tensor
    assign: torch.Tensor
    kept_rows: torch.Tensor = field(init=False, repr=False, compare=False)
    assign_rows: torch.Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        samples = _samples(self.kept)
        object.__setattr__(self, "kept_rows", _flat(self.kept, self.tokens, samples))
        object.__setattr__(self, "assign_rows", _flat(self.assign, self.computed, samples))

    @staticmethod
    def from_pairs(tokens: int, src: torch.Tensor, dst: torch.Tensor, order: torch.Tensor | None = None) -> Reduction:
        """Build the reduction that removes each token of `src` into the token of `dst` beside it.

        Args:
            tokens: number of image tokens, N.
            src: positions of the removed tokens, all different within a row, `[B or 1, r]`, int64.
            dst: position of each one's destination, never itself a source, `[B or 1, r]`, int64.
            order: all positions, in the order in which those that are kept are to stand, `[N]`, int64; None for
                ascending.
        """
        removed = torch.zeros(len(src), tokens, dtype=torch.uint8, device=src.device).scatter_(1, src, 1)
        if order is not None:
            removed = removed.index_select(1, order)
        kept = removed.argsort(dim=1, stable=True)[:, : tokens - src.shape[1]]
        kept = kept if order is None else order[kept]
        own = torch.arange(kept.shape[1], device=src.device).expand_as(kept)
        places = kept.new_empty(len(src), tokens).scatter_(1, kept, own)
        return Reduction(kept, places.scatter_(1, src, places.gather(1, dst)))

    @property
    def tokens(self) -> int:
        """Number of image tokens, N."""
        return self.assign.shape[1]

    @property
    def computed(self) -> int:
        """Number of kept tokens, K."""
        return self.kept.shape[1]

    @property
    def sizes(self) -> torch.Tensor:
        """How many tokens follow each kept one, itself included, `[B or 1, K]`, int64; sums to N. Counted anew."""
        return torch.zeros_like(self.kept).scatter_add_(1, self.assign, torch.ones_like(self.assign))

    @property
    def is_kept(self) -> torch.Tensor:
        """Whether each of the N tokens is kept, `[B or 1, N]`, bool."""
        return torch.zeros_like(self.assign, dtype=torch.bool).scatter(1, self.kept, True)

    @property
    def is_merged(self) -> torch.Tensor:
        """Whether each of the N tokens is in a group of several, as a source or a destination, `[B or 1, N]`, bool."""
        return (self.sizes > 1).gather(1, self.assign)

    @property
    def follows(self) -> torch.Tensor:
        """Position of the token whose value each of the N tokens takes, `[B or 1, N]`, int64."""
        return self.kept.gather(1, self.assign)

    def merge(self, x: torch.Tensor, mode: MergeMode = "prune", sizes: torch.Tensor | None = None) -> torch.Tensor:
        """Reduce N tokens to K.

        Args:
            x: features of all image tokens, `[B, N, C]`.
            mode: "prune" leaves the kept tokens as they are; "mean" gives each the average of all that follow it,
                summed in float32, in which every token counts once; "weighted", in which each counts as often as
                `sizes` says; "mlerp" gives the mean the length of the longest of them. On CUDA the order of the sums is
                fixed only where PyTorch is told to use deterministic algorithms.
            sizes: how many tokens each of the N stands for already, `[B or 1, N]`; None where none stands for more
                than itself.

        Returns:
            `[B, K, C]` in the dtype of `x`.
        """
        if mode == "prune":
            return _take(x, self.kept, self.kept_rows)
        if mode not in MERGE_MODES:
            raise SpecError(f"merge={mode!r} is not a way to merge. Allowed: {', '.join(MERGE_MODES)}.")
        wide = torch.promote_types(x.dtype, torch.float32)
        shares = self._shares(sizes if mode == "weighted" else None, wide).unsqueeze(2)
        merged = self._sum(x * shares)
        if mode == "mlerp":
            merged = _unit(merged) * self._longest(x.to(wide))
        return merged.to(x.dtype)

    def unmerge(self, y: torch.Tensor) -> torch.Tensor:
        """Give each of the N tokens the value of the kept token that it follows.

        Args:
            y: features of the kept tokens, `[B, K, C]`.

        Returns:
            `[B, N, C]`.
        """
        return _take(y, self.assign, self.assign_rows)

    def pool_sizes(self, sizes: torch.Tensor | None = None) -> torch.Tensor:
        """Sum up how many tokens each kept one stands for.

        Args:
            sizes: how many each of the N stands for already, `[B or 1, N]`; None where none stands for more than
                itself.

        Returns:
            `[B or 1, K]`, float32.
        """
        if sizes is None:
            return self.sizes.float()
        rows = max(len(sizes), len(self.assign))
        zeros = torch.zeros(rows, self.computed, device=sizes.device)
        return zeros.scatter_add(1, self.assign.expand(rows, -1), sizes.float().expand(rows, -1))

    def put(self, kept: torch.Tensor, full: torch.Tensor) -> torch.Tensor:
        """Write the rows `kept` `[B, K, C]` to their places in `full` `[B, N, C]`, and return it."""
        if torch.compiler.is_compiling():  # each place taking its own row is one kernel with what made `full`
            own = self.follows == torch.arange(self.tokens, device=full.device)
            return full.copy_(torch.where(own.unsqueeze(2), self.unmerge(kept), full))
        if len(self.kept) == 1:
            return full.index_copy_(1, self.kept_rows[0], kept)
        full.flatten(0, 1).index_copy_(0, self.kept_rows.flatten(), kept.flatten(0, 1))
        return full

    def _shares(self, sizes: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor:
        """Return how much each of the N tokens counts among those that follow the same one, `[B or 1, N]`."""
        counts = torch.ones_like(self.assign, dtype=dtype) if sizes is None else sizes.to(dtype)
        rows = max(len(counts), len(self.assign))
        assign, counts = self.assign.expand(rows, -1), counts.expand(rows, -1)
        return counts / counts.new_zeros(rows, self.computed).scatter_add_(1, assign, counts).gather(1, assign)

    def _sum(self, x: torch.Tensor) -> torch.Tensor:
        """Add up the rows of `x` `[B, N, C]` that follow each kept token, `[B, K, C]`."""
        total = x.new_zeros(len(x) * self.computed, x.shape[2])
        return total.index_add_(0, self._follows(len(x)), x.flatten(0, 1)).view(len(x), self.computed, -1)

    def _longest(self, x: torch.Tensor) -> torch.Tensor:
        """Return the length of the longest of the rows of `x` `[B, N, C]` that follow each kept token, `[B, K, 1]`."""
        lengths = torch.linalg.vector_norm(x, dim=2).flatten()
        most = lengths.new_zeros(len(x) * self.computed)
        most = torch.scatter_reduce(most, 0, self._follows(len(x)), lengths, "amax")
        return most.view(len(x), self.computed, 1)

    def _follows(self, batch: int) -> torch.Tensor:
        """Return `assign_rows` of so many samples, also where they share one correspondence, `[B * N]`."""
        if len(self.assign) == batch:
            return self.assign_rows.flatten()
        assign = self.assign.expand(batch, -1)
        return _flat(assign, self.computed, _samples(assign)).flatten()


def _unit(x: torch.Tensor) -> torch.Tensor:
    """Scale each token of `x` `[B, K, C]` to length 1; tokens of zeros stay zeros."""
    unit: torch.Tensor = torch.nn.functional.normalize(x, dim=2, eps=torch.finfo(x.dtype).tiny)
    return unit


def take_rows(x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Pick rows `index` `[B or 1, M]` of `x` `[B, N, C]`: `[B, M, C]`."""
    return _take(x, index, _flat(index, x.shape[1], _samples(index)))


def _take(x: torch.Tensor, index: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
    """Pick rows `index` `[B or 1, M]` of `x` `[B, N, C]`, which `flat` has as positions in the rows of all samples."""
    if index.shape[0] == 1:
        return x.index_select(1, flat[0])
    return x.flatten(0, 1).index_select(0, flat.flatten()).view(*index.shape, x.shape[2])


def _samples(index: torch.Tensor) -> torch.Tensor | None:
    """Number the samples of `index` `[B, M]`, `[B, 1]`; None for one, whose rows come first anyway."""
    return torch.arange(len(index), device=index.device).unsqueeze(1) if len(index) != 1 else None


def _flat(index: torch.Tensor, rows: int, samples: torch.Tensor | None) -> torch.Tensor:
    """Turn positions `[B, M]` within samples of so many rows into positions in all samples' rows, `[B, M]`.

    Whole rows are copied by such an index several times faster than element by element, as `gather` does.
    """
    return index if samples is None else torch.add(index, samples, alpha=rows).contiguous()
