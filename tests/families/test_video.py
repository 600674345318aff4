"""Methods on videos, with cells over frames, and on UNets, at levels of several sizes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import pytest
import torch
from torch import nn

import tokred
from tokred.parts import cells_of
from tokred.testing.host import Host
from tokred_adapters import tiny

HOSTS = {host.name: host for host in tiny.hosts()}
CLIP = (2, 4, 6)
LEVELS = {48: (6, 8), 12: (3, 4)}
"""Tokens and grids of the levels of the tiny SDXL that attend."""
UNET_METHODS = {
    "tomesd": {"ratio": 0.5},
    "sito": {"ratio": 0.5},
    "toma": {"ratio": 0.5},
    "dito": {"ratio": 0.5, "interval": 2},
    "delta": {"ratio": 0.5, "interval": 2, "dense_first": 1, "order": 0, "keys": "recovered"},
}


@contextmanager
def counted(model: nn.Module, name: str) -> Iterator[dict[str, list[int]]]:
    """Note how many rows reach each module of that name, call by call."""
    rows: dict[str, list[int]] = {}

    def note(path: str) -> Any:
        return lambda module, args: rows.setdefault(path, []).append(args[0].shape[1])

    found = [(path, module) for path, module in model.named_modules() if path.endswith(name)]
    hooks = [module.register_forward_pre_hook(note(path)) for path, module in found]
    yield rows
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tomesd", {}),
        ("dito", {"interval": 2}),
        ("delta", {"interval": 2, "dense_first": 1, "order": 0}),
    ],
)
def test_cells_over_frames_keep_one_token_each(method: str, params: dict[str, Any]) -> None:
    host = HOSTS["wan"]
    model = host.model()
    dense = host.generate(model, grid=CLIP, steps=2)
    with tokred.apply(model, method, stride=(2, 2, 2), ratio=7 / 8, **params) as run:
        with counted(model, "attn1.to_q") as rows:
            drawn = host.generate(model, grid=CLIP, steps=2)
        report = run.report()
        kept = run.kept_tokens()
    assert drawn.isfinite().all()
    assert not torch.equal(drawn, dense)
    layout = report.calls[0].layout
    assert layout.grids == (CLIP,)
    assert {path.removesuffix(".to_q") for path in rows} <= set(kept)
    assert all(counts[-1] == prod(CLIP) // 8 for counts in rows.values())
    for tokens in kept.values():
        cells = cells_of(layout, (2, 2, 2))
        assert torch.isin(cells, torch.as_tensor(tokens)).sum(dim=1).tolist() == [1] * len(cells)


def test_whole_calls_of_a_video_are_skipped() -> None:
    host = HOSTS["wan"]
    model = host.model()
    with tokred.apply(model, "balanced") as run:
        with counted(model, "blocks.0.attn1.to_q") as rows:
            drawn = host.generate(model, grid=CLIP, steps=10)
        report = run.report()
    computed = len(rows["blocks.0.attn1.to_q"])
    assert 0 < computed < 10
    assert report.compute == pytest.approx(computed / 10)
    assert drawn.isfinite().all()


def test_a_clip_as_long_as_the_channels_of_its_time_is_not_taken_for_one_time_per_token() -> None:
    """`temb` is `[B, 6, C]` or `[B, N, 6, C]`; with 6 tokens only the number of axes tells."""
    host = HOSTS["wan"]
    model = host.model()
    with tokred.apply(model, "tomesd", ratio=0.5, sites=("block",)) as run:
        assert host.call(model, grid=(1, 2, 3)).isfinite().all()
        assert {call.removed for call in run.report().calls} == {3}


@pytest.fixture(scope="module")
def sdxl() -> Host:
    return HOSTS["sdxl"]


@pytest.mark.parametrize("method", UNET_METHODS)
def test_each_level_of_a_unet_removes_tokens_of_its_own_grid(method: str, sdxl: Host) -> None:
    model = sdxl.model()
    dense = sdxl.generate(model, steps=2)
    with tokred.apply(model, method, sites=("attn",), **UNET_METHODS[method]) as run:
        with counted(model, "attn1.to_q") as rows:
            drawn = sdxl.generate(model, steps=2)
        report = run.report()
    assert len(rows) == 11
    for call in report.calls:
        assert call.layout.grids == (LEVELS[call.layout.image],)
        assert call.removed in (0, call.layout.image // 2)
    last = {call.site.name: call for call in report.calls}
    for path, counts in rows.items():
        call = last[path.removesuffix(".to_q")]
        assert counts[-1] == call.layout.image - call.removed == call.layout.image // 2
    assert drawn.isfinite().all()
    assert not torch.equal(drawn, dense)


def test_keys_of_each_level_of_a_unet_are_those_of_a_smaller_grid(sdxl: Host) -> None:
    model = sdxl.model()
    dense = sdxl.call(model)
    with tokred.apply(model, "todo") as run, counted(model, "attn1.to_q") as queries:
        assert not torch.equal(sdxl.call(model), dense)
        calls = run.report().calls
    assert {counts[0] for counts in queries.values()} == set(LEVELS)
    smaller = {48: 12, 12: 3}
    assert all(call.removed == call.layout.image - smaller[call.layout.image] for call in calls)


def test_levels_of_a_unet_do_not_share_a_match(sdxl: Host) -> None:
    model = sdxl.model()
    with tokred.apply(model, "toma", share=100) as run:
        sdxl.call(model)
        kept = {len(tokens) for tokens in run.kept_tokens().values()}
    assert kept == {24, 6}
