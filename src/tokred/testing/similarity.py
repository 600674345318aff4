"""Promises of a similarity."""

from __future__ import annotations

from typing import Any

import torch

from tokred.testing.check import Specimen, Stage, demand, same
from tokred.testing.data import DTYPES, devices, features

SOURCES = 14
"""Of the tokens that are compared; the others are destinations."""


def similarity_stages(specimen: Specimen) -> list[Stage]:
    """Score the first tokens against the last."""
    return [Stage("scores", features(), _perform)]


def _perform(part: Any, x: torch.Tensor, compiled: bool) -> torch.Tensor:
    """Score sources of `x` `[B, N, C]`; `[B, S, D]`."""
    scores = torch.compile(part.scores, fullgraph=True, backend="eager") if compiled else part.scores
    made: torch.Tensor = scores(x[:, :SOURCES], x[:, SOURCES:])
    return made


def scores_are_float32(specimen: Specimen) -> None:
    """Scores are `[B, S, D]` in float32 on the device of the features, whatever these are in."""
    for device in devices():
        for dtype in DTYPES:
            x = features().to(device, dtype)
            scores = specimen.make().scores(x[:, :SOURCES], x[:, SOURCES:])
            shape = (len(x), SOURCES, x.shape[1] - SOURCES)
            got = (tuple(scores.shape), scores.dtype, scores.device.type)
            wanted = (shape, torch.float32, device)
            demand(got == wanted, f"for {dtype} features on {device} scores are {got}, not {wanted}.")


def pairs_are_scored_by_themselves(specimen: Specimen) -> None:
    """A score depends on its own pair only, so that sources can be scored a few at a time."""
    x, part = features(), specimen.make()
    whole = part.scores(x[:, :SOURCES].clone(), x[:, SOURCES:].clone())
    chunks = torch.split(x[:, :SOURCES], 3, dim=1)
    few = torch.cat([part.scores(chunk.clone(), x[:, SOURCES:].clone()) for chunk in chunks], dim=1)
    torch.testing.assert_close(few, whole, msg=lambda m: f"scores of a few sources at a time are others: {m}")
    fewer = part.scores(x[:, :SOURCES].clone(), x[:, -4:].clone())
    torch.testing.assert_close(fewer, whole[..., -4:], msg=lambda m: f"scores with fewer destinations are others: {m}")


def broken_tokens_spoil_their_own_scores_only(specimen: Specimen) -> None:
    """A token of NaN or Inf changes the scores of its own pairs only, and a token of zeros has finite ones."""
    x, part = features()[:1], specimen.make()
    expected = part.scores(x[:, :SOURCES].clone(), x[:, SOURCES:].clone())
    for value in (torch.nan, torch.inf, 0.0):
        broken = x.clone()
        broken[0, [2, SOURCES + 3]] = value
        scores = part.scores(broken[:, :SOURCES], broken[:, SOURCES:])
        rest = [[i for i in range(n) if i != at] for n, at in ((SOURCES, 2), (x.shape[1] - SOURCES, 3))]
        sound = [s[:, rest[0]][:, :, rest[1]] for s in (scores, expected)]
        demand(same(*sound), f"tokens of {value} changed the scores of other pairs.")
    demand(bool(scores.isfinite().all()), "a token of zeros has scores that are not finite.")
