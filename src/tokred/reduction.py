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
        sizes: how many tokens follow each kept one, itself included, `[B or 1, K]`, int64; sums to N.
        kept_rows: `kept` as positions in the rows of all samples together, `[B * K]`. Made here, once for a match:
            every call that it serves is an addition and a product shorter, which the host would have to start.
        assign_rows: `assign` likewise, in the rows of the kept tokens, `[B * N]`.

    Examples:
        >>> reduction = Reduction.from_pairs(4, src=torch.tensor([[1]]), dst=torch.tensor([[2]]))
        >>> reduction.kept
        tensor([[0, 2, 3]])
        >>> reduction.unmerge(torch.tensor([[[10.0], [20.0], [30.0]]])).flatten()
        tensor([10., 20., 20., 30.])
    """

    kept: torch.Tensor
    assign: torch.Tensor
    sizes: torch.Tensor
    kept_rows: torch.Tensor = field(init=False, repr=False, compare=False)
    assign_rows: torch.Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kept_rows", _flat(self.kept, self.tokens))
        object.__setattr__(self, "assign_rows", _flat(self.assign, self.computed))

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
        rows = src.shape[0]
        removed = torch.zeros(rows, tokens, dtype=torch.bool, device=src.device).scatter(1, src, True)
        follows = torch.arange(tokens, device=src.device).expand(rows, -1).scatter(1, src, dst)
        if order is not None:
            removed = removed.index_select(1, order)
        kept = torch.argsort(removed.int(), dim=1, stable=True)[:, : tokens - src.shape[1]]
        place = torch.cumsum(~removed, dim=1) - 1
        if order is not None:
            kept, place = order[kept], place.index_select(1, order.argsort())
        assign = place.gather(1, follows)
        sizes = torch.zeros_like(kept).scatter_add(1, assign, torch.ones_like(assign))
        return Reduction(kept, assign, sizes)

    @property
    def tokens(self) -> int:
        """Number of image tokens, N."""
        return self.assign.shape[1]

    @property
    def computed(self) -> int:
        """Number of kept tokens, K."""
        return self.kept.shape[1]

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
                `sizes` says; "mlerp" gives the mean the length of the longest of them.
            sizes: how many tokens each of the N stands for already, `[B or 1, N]`; None where none stands for more
                than itself.

        Returns:
            `[B, K, C]` in the dtype of `x`.
        """
        if mode == "prune":
            return _take(x, self.kept, self.kept_rows)
        if mode not in MERGE_MODES:
            raise SpecError(f"merge={mode!r} is not a way to merge. Allowed: {', '.join(MERGE_MODES)}.")
        rows = x.flatten(0, 1).to(torch.promote_types(x.dtype, torch.float32))
        if mode == "weighted" and sizes is not None:
            weights = sizes.to(rows.dtype).expand(len(x), -1).reshape(-1, 1)
            pooled = self._pool(torch.cat([rows * weights, weights], dim=1), len(x), "sum")
            merged = pooled[:, :-1] / pooled[:, -1:]
        else:
            merged = self._pool(rows, len(x), "mean")
        if mode == "mlerp":
            longest = self._pool(torch.linalg.vector_norm(rows, dim=1, keepdim=True), len(x), "max")
            merged = _unit(merged) * longest
        return merged.view(len(x), self.computed, -1).to(x.dtype)

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
        if len(self.kept) == 1:
            return full.index_copy_(1, self.kept_rows, kept)
        full.flatten(0, 1).index_copy_(0, self.kept_rows, kept.flatten(0, 1))
        return full

    def _pool(self, rows: torch.Tensor, batch: int, mode: Literal["mean", "sum", "max"]) -> torch.Tensor:
        """Pool the `rows` `[B * N, C]` that follow each kept token into one, `[B * K, C]`."""
        follows = self.assign_rows if len(self.assign) == batch else _flat(self.assign.expand(batch, -1), self.computed)
        members = follows.argsort(stable=True)
        ends = self.sizes.expand(batch, -1).flatten().cumsum(0)
        starts = torch.cat([ends.new_zeros(1), ends[:-1]])
        # A bag of rows is one pass over memory, and is summed in one order, on CUDA too.
        return torch.nn.functional.embedding_bag(members, rows, starts, mode=mode)


def _unit(rows: torch.Tensor) -> torch.Tensor:
    """Scale each of the `rows` `[M, C]` to length 1; rows of zeros stay zeros."""
    return torch.nn.functional.normalize(rows, dim=1, eps=torch.finfo(rows.dtype).tiny)


def take_rows(x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Pick rows `index` `[B or 1, M]` of `x` `[B, N, C]`: `[B, M, C]`."""
    return _take(x, index, _flat(index, x.shape[1]))


def _take(x: torch.Tensor, index: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
    """Pick rows `index` `[B or 1, M]` of `x` `[B, N, C]`, which `flat` has as positions in the rows of all samples."""
    if index.shape[0] == 1:
        return x.index_select(1, flat)
    return x.flatten(0, 1).index_select(0, flat).view(*index.shape, x.shape[2])


def _flat(index: torch.Tensor, rows: int) -> torch.Tensor:
    """Turn positions `[B, M]` within samples of so many rows into positions in all samples' rows, `[B * M]`.

    Whole rows are copied by such an index several times faster than element by element, as `gather` does.
    """
    if index.shape[0] == 1:
        return index[0]
    return (index + torch.arange(len(index), device=index.device).unsqueeze(-1) * rows).flatten()
