"""What vision transformers show of their attention, held against what they hand to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from engine.recorder import recording

import tokred
from tokred import parts
from tokred_adapters import tiny

HOSTS = {host.name: host for host in tiny.hosts()}
NAMES = (
    "eva02",
    "eva02-apart",
    "dinov3",
    "rope-mixed",
    "pe-core",
    "hf-vit",
    "hf-dinov2-registers",
    "hf-dinov3",
    "hf-clip",
)
Attended = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.fixture
def attended(monkeypatch: pytest.MonkeyPatch) -> list[Attended]:
    """Queries, keys and values `[B, H, L, d]` of every attention that is computed."""
    seen: list[Attended] = []
    original = torch.nn.functional.scaled_dot_product_attention

    def spy(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        seen.append((q, k, v))
        return original(q, k, v, *args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    return seen


def recorded(name: str, signal: str) -> Sequence[torch.Tensor]:
    """What a matcher is given by a signal in a call of a tiny model, block by block."""
    host = HOSTS[name]
    method, recorder = recording(signal, ("stream",), parts.EveryStep(0.25))
    model = host.model()
    with tokred.apply(model, method):
        host.call(model)
    return recorder.seen


@pytest.mark.parametrize("name", NAMES)
def test_what_the_class_token_attends_to(name: str, attended: list[Attended]) -> None:
    """Also in the second block, whose tables have the rows of the tokens that are left."""
    for signal in ("class_attention", "significance"):
        attended.clear()
        seen = recorded(name, signal)
        for features, (q, k, v) in zip(seen, attended[:2], strict=True):
            row = (q[:, :, :1] @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(dim=3)[:, :, 0]
            weights = row * v.norm(dim=3) if signal == "significance" else row / row.shape[1]
            image = features.shape[1]
            torch.testing.assert_close(features[..., 0], weights.sum(dim=1)[:, -image:])


@pytest.mark.parametrize("name", ["hf-vit", "hf-clip", "hf-siglip"])
def test_keys_are_their_mean_over_heads(name: str, attended: list[Attended]) -> None:
    (first, _), (_, keys, _) = recorded(name, "key"), attended[0]
    torch.testing.assert_close(first, keys.mean(dim=1)[:, -first.shape[1] :])
