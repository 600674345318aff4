"""Clips of pictures that move, named by words: what `emoji-clip` learns, made on the fly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

Motion = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, ...]]
"""From time and phase, both `[B, F]` in [0, 1], to angle in radians, scale, x and y of the object in [-1, 1]."""

SMALL = 0.6
"""Scale of an object that needs room to move."""


def _slide(x: float, y: float) -> Motion:
    """Move along the direction (x, y), the phase being where across it."""

    def motion(time: torch.Tensor, phase: torch.Tensor) -> tuple[torch.Tensor, ...]:
        along, across, still = 0.9 * time - 0.45, 0.6 * phase - 0.3, torch.zeros_like(time)
        return still, still + SMALL, x * along + abs(y) * across, y * along + abs(x) * across

    return motion


def _turn(time: torch.Tensor, phase: torch.Tensor) -> tuple[torch.Tensor, ...]:
    still = torch.zeros_like(time)
    return 2 * math.pi * (0.75 * time + phase), still + 0.7, still, still


def _grow(time: torch.Tensor, phase: torch.Tensor) -> tuple[torch.Tensor, ...]:
    still = torch.zeros_like(time)
    return still, 0.3 + (0.4 + 0.3 * phase) * time, still, still


def _shrink(time: torch.Tensor, phase: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return _grow(1 - time, phase)


def _bounce(time: torch.Tensor, phase: torch.Tensor) -> tuple[torch.Tensor, ...]:
    still = torch.zeros_like(time)
    return still, still + SMALL, still, 0.4 - 0.8 * torch.sin(math.pi * (time + phase)).abs()


MOTIONS: dict[str, Motion] = {
    "moves left": _slide(-1, 0),
    "moves right": _slide(1, 0),
    "rises": _slide(0, -1),
    "turns": _turn,
    "grows": _grow,
    "shrinks": _shrink,
    "bounces": _bounce,
}


def film(pictures: torch.Tensor, motions: Sequence[str], phases: torch.Tensor, frames: int, size: int) -> torch.Tensor:
    """Film pictures on white.

    Args:
        pictures: `[B, 3, H, W]` in [-1, 1].
        motions: name of each picture's motion.
        phases: where in its course each motion starts, `[B]` in [0, 1].
        frames: number of frames `F`.
        size: height and width of a frame `S`, in pixels.

    Returns:
        Clips `[B, 3, F, S, S]` in [-1, 1].
    """
    batch = len(pictures)
    time = torch.linspace(0, 1, frames, device=pictures.device).expand(batch, frames)
    moved = [MOTIONS[name](t, p) for name, t, p in zip(motions, time, phases[:, None].expand_as(time), strict=True)]
    angle, scale, x, y = (torch.stack(parts) for parts in zip(*moved, strict=True))
    cos, sin = angle.cos() / scale, angle.sin() / scale
    rows = [torch.stack([cos, sin, -cos * x - sin * y], -1), torch.stack([-sin, cos, sin * x - cos * y], -1)]
    theta = torch.stack(rows, -2).flatten(0, 1)
    grid = functional.affine_grid(theta, [batch * frames, 3, 2 * size, 2 * size], align_corners=False)
    ink = (1 - pictures).repeat_interleave(frames, dim=0)
    shown = 1 - functional.grid_sample(ink, grid, align_corners=False)
    return functional.avg_pool2d(shown, 2).unflatten(0, (batch, frames)).transpose(1, 2)
