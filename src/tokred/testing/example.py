"""A small transformer that belongs to no library, to write a first adapter for."""

from __future__ import annotations

import torch
from torch import nn

from tokred.testing.host import Host, call_classifier

WIDTH, PATCH, CLASSES = 16, 2, 5


class RotaryAttention(nn.Module):
    """Attention of one head over tokens `[B, N, C]` that are turned by their positions."""

    def __init__(self) -> None:
        super().__init__()
        self.to_q = nn.Linear(WIDTH, WIDTH)
        self.to_k = nn.Linear(WIDTH, WIDTH)
        self.to_v = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        """Attend; `angles` is `[B, N, C / 2]`, and rows beyond those of `x` are not read."""
        angles = angles[:, : x.shape[1]]
        q, k = (_turn(project(x), angles) for project in (self.to_q, self.to_k))
        attended: torch.Tensor = nn.functional.scaled_dot_product_attention(q, k, self.to_v(x))
        return attended


class RotaryBlock(nn.Module):
    """Attention and a feed-forward layer, each added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.attn = RotaryAttention()
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        """Compute tokens `[B, N, C]` of positions `angles` `[B, N, C / 2]`."""
        x = x + self.attn(self.norm(x), angles)
        y: torch.Tensor = x + self.mlp(x)
        return y


class RotaryTransformer(nn.Module):
    """Classifies pictures `[B, 3, H, W]` whose sides are even."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.blocks = nn.ModuleList(RotaryBlock() for _ in range(2))
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores `[B, 5]`."""
        tokens = self.embed(x)
        angles = _angles(tokens.shape[-2], tokens.shape[-1]).to(tokens).expand(len(x), -1, -1)
        tokens = tokens.flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens, angles)
        scores: torch.Tensor = self.head(tokens.mean(dim=1))
        return scores


HOSTS = (
    Host(
        "rotary",
        RotaryTransformer,
        lambda batch, grid: (batch, 3, PATCH * grid[0], PATCH * grid[1]),
        argument="x",
        call_model=call_classifier,
        text=0,
    ),
)


def _angles(h: int, w: int) -> torch.Tensor:
    """Return the angles of a grid, `[1, h * w, C / 2]`: half of them for rows, half for columns."""
    rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    speeds = 0.5 ** torch.arange(WIDTH // 4)
    return torch.cat([axis.reshape(-1, 1) * speeds for axis in (rows, columns)], dim=1)[None]


def _turn(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Turn each pair of channels of `x` `[B, N, C]` by its angle."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)
