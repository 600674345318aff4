"""Which schedules should do best, from recorded generations, without calling the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from tokred.interfaces.time import EDGE
from tokred.tuning.recording import Recording

ORDERS = (0, 1, 2)
BEAM = 40
"""Schedules of each number of dense steps from which those with one fewer are made."""
KEPT = 3
"""Schedules of each number of dense steps and each order that are ranked."""


@dataclass(frozen=True)
class Ranked:
    """A schedule of dense and skipped steps.

    Attributes:
        dense: whether each step is dense.
        order: of the forecast, 0 to 2.
        psnr: that it should have, in dB, on average over the recorded pictures.
    """

    dense: tuple[bool, ...]
    order: int
    psnr: float

    @property
    def compute(self) -> float:
        """The share of the steps that is dense."""
        return sum(self.dense) / len(self.dense)


def rank_schedules(recording: Recording, carry: torch.Tensor) -> list[Ranked]:
    """Search the schedules of every length and order; return the best few of each number of dense steps.

    One step after the other is taken from the best schedules so far, which evaluates thousands in a second.

    Args:
        recording: of dense generations.
        carry: how much of an error at each step there is in the picture, `[n]`; see `measure_carry`.
    """
    return [ranked for order in ORDERS for ranked in _of_order(recording, carry, order)]


def predicted_psnr(recording: Recording, carry: torch.Tensor, dense: torch.Tensor, order: int) -> torch.Tensor:
    """Return the PSNR that schedules should have, in dB.

    Args:
        recording: of dense generations.
        carry: see `rank_schedules`.
        dense: whether each step is dense, `[Q, n]`.
        order: of the forecast.

    Returns:
        `[Q]`, on average over the recorded pictures.
    """
    return -10 * squared_errors(recording, carry, dense, order).clamp(min=1e-10).log10().mean(dim=1)


def squared_errors(recording: Recording, carry: torch.Tensor, dense: torch.Tensor, order: int) -> torch.Tensor:
    """Return the squared length of the errors of all steps, each times what it carries, `[Q, P]`.

    The errors are added before they are squared: those of neighbouring steps are much alike.
    """
    missed = missed_by(dense, recording.shares.logit(eps=EDGE), order, carry)
    return torch.einsum("qi,pij,qj->qp", missed, recording.products, missed)


def missed_by(dense: torch.Tensor, times: torch.Tensor, order: int, carry: torch.Tensor) -> torch.Tensor:
    """Write what forecasts miss as a sum of the steps' dense outputs: `[Q, n]`, a factor for each.

    Args:
        dense: whether each step is dense, `[Q, n]`; the first one always is.
        times: of the steps, `[n]`.
        order: of the polynomial through the last dense outputs; fewer of them give a lower one.
        carry: the factor of each step's error, `[n]`.
    """
    queries, steps = dense.shape
    factors = torch.zeros(queries, steps, dtype=torch.float64)
    last = torch.full((queries, order + 1), -1)  # the dense steps that a forecast goes through, the last one first
    for step in range(steps):
        weight = torch.where(dense[:, step], 0.0, carry[step])
        for place, share in enumerate(_lagrange(times[step], times[last.clamp(min=0)], last >= 0)):
            factors.scatter_add_(1, last[:, place : place + 1].clamp(min=0), (weight * share)[:, None])
        factors[:, step] -= weight
        pushed = torch.cat([torch.full((queries, 1), step), last[:, :-1]], dim=1)
        last = torch.where(dense[:, step : step + 1], pushed, last)
    return factors


def _lagrange(time: torch.Tensor, nodes: torch.Tensor, known: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield the share `[Q]` of each node, of `nodes` `[Q, order + 1]`, in the polynomial through those `known`."""
    places = range(nodes.shape[1])
    for one in places:
        share = known[:, one].double()
        for other in places:
            if other != one:
                quotient = (time - nodes[:, other]) / (nodes[:, one] - nodes[:, other])
                share = share * torch.where(known[:, one] & known[:, other], quotient, 1.0)
        yield share


def _of_order(recording: Recording, carry: torch.Tensor, order: int) -> Iterator[Ranked]:
    best = torch.ones(1, recording.steps, dtype=torch.bool)
    for _ in range(recording.steps - 1):
        fewer = _one_fewer(best)
        psnr = predicted_psnr(recording, carry, fewer, order)
        chosen = psnr.argsort(descending=True, stable=True)[:BEAM]
        best = fewer[chosen]
        for dense, value in zip(best[:KEPT].tolist(), psnr[chosen].tolist(), strict=False):
            yield Ranked(tuple(dense), order, value)


def _one_fewer(dense: torch.Tensor) -> torch.Tensor:
    """Return each schedule that lacks one dense step, but not the first, of one of those `[Q, n]`; each once."""
    where = dense[:, 1:].nonzero()
    fewer = dense[where[:, 0]].clone()
    fewer[torch.arange(len(fewer)), where[:, 1] + 1] = False
    distinct: torch.Tensor = torch.unique(fewer, dim=0)
    return distinct
