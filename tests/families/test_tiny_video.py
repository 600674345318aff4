"""The tiny models of clips, sound, UNets and vision: small, the same every time, called in every way."""

from __future__ import annotations

import importlib
import math

import pytest
import torch

from tokred.testing.host import Host

FILES = [
    *("allegro", "anyflow", "cogvideox", "cosmos", "easyanimate", "helios", "hunyuan_video", "kandinsky5_video"),
    *("ltx", "mochi", "sana_video", "wan", "audio", "unet", "unet_video", "vit", "hf_vit"),
]
HOSTS = [host for file in FILES for host in importlib.import_module(f"tokred_adapters.tiny.{file}").HOSTS]
FIXED_TEXT = {"cogvideox-2b", "wan-i2v", "wan-animate", "chronoedit"}
"""They take texts of one length."""
MOST = {"svd": 1_300_000, "hunyuan-video-15": 4_400_000}
"""Parameters of classes that have a part of a fixed size."""


def test_names_are_unique() -> None:
    assert len({host.name for host in HOSTS}) == len(HOSTS)


@pytest.mark.parametrize("host", HOSTS, ids=str)
def test_a_tiny_model_is_called_in_every_way(host: Host) -> None:
    model = host.model()
    assert sum(parameter.numel() for parameter in model.parameters()) < MOST.get(host.name, 320_000)
    three = host.call(model, batch=3)
    assert len(three) == 3
    assert torch.equal(host.call(host.model(), batch=3), three), "another of the same"
    other = host.call(model, seed=1, batch=3)
    assert not torch.equal(other, three)
    one = host.call(model, batch=1)
    assert len(one) == 1
    elsewhere = host.call(model, grid=host.other_grid)
    drawn = host.generate(model)
    for output in (three, other, one, elsewhere, drawn):
        assert output.isfinite().all()
    if host.repeats:
        assert drawn.shape == host.picture(2, host.grid)


@pytest.mark.parametrize("host", [h for h in HOSTS if h.text and h.name not in FIXED_TEXT], ids=str)
def test_a_text_may_be_longer_than_the_picture(host: Host) -> None:
    output = host.call(host.model(), batch=1, text=math.prod(host.grid) + 3)
    assert output.isfinite().all()
    assert len(output) == 1
