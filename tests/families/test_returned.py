"""What models return, in whatever axes and lists, as rows that methods read and remember."""

from __future__ import annotations

import pytest
import torch
from einops import rearrange
from engine.recorder import recording

import tokred
from tokred import Method, SpecError, UnsupportedModel, parts
from tokred_adapters import tiny

HOSTS = {host.name: host for host in tiny.hosts()}
ROWS = {
    "z-image": "b c (h p) (w q) -> b (h w) (c p q)",
    "cogvideox": "b f c (h p) (w q) -> b (f h w) (c p q)",
    "kandinsky5": "b 1 (h p) (w q) c -> b (h w) (c p q)",
    "wan": "b c f (h p) (w q) -> b (f h w) (c p q)",
}
"""How what a tiny model returns is made up of tokens of 2 by 2."""


@pytest.mark.parametrize("name", ROWS)
def test_sites_are_given_a_row_for_each_token_of_each_sample(name: str) -> None:
    """The batch is as large as there are channels, which no reading of the axes may take for each other."""
    host, batch = HOSTS[name], 4
    model, arguments = host.model(), HOSTS[name].arguments(HOSTS[name].model(), 0, batch=batch)
    method, recorder = recording("model_output", ("attn", "model"), parts.Interval(0.5, dense_first=2))
    with torch.no_grad():
        rows = rearrange(host.run(model, arguments, 1.0), ROWS[name], p=2, q=2)
        with tokred.apply(model, method) as run:
            for i in range(2):
                with tokred.step(i, 2):
                    host.run(model, arguments, 1 - i / 2)
            per_sample = all(call.site.per_sample for call in run.report().calls)
    expected = rows if per_sample else rows.transpose(0, 1).flatten(1).unsqueeze(0)
    assert recorder.seen
    assert all(torch.equal(seen, expected) for seen in recorder.seen)


@pytest.mark.parametrize(
    ("name", "pixels"),
    {
        "dit": "b c (h p) (w q) -> b (h w) c (p q)",
        "kandinsky5": "b 1 (h p) (w q) c -> b (h w) c (p q)",
        "wan": "b c f (h p) (w q) -> b (f h w) c (p q)",
        "qwen-image": "b n (c p q) -> b n c (p q)",
        "ltx": "b n c -> b n c 1",
    }.items(),
)
def test_the_spread_is_that_of_each_pixel_of_a_token(name: str, pixels: str) -> None:
    """As many pixels as the model's patches have, or as its pipelines pack into the rows that it is called with."""
    host = HOSTS[name]
    model = host.model()
    arguments = host.arguments(model, 0, batch=1)
    method, recorder = recording("model_spread", ("attn", "model"), parts.Interval(0.5, dense_first=2))
    with torch.no_grad():
        returned = host.run(model, arguments, 1.0)
        sides = {} if " 1" in pixels.rpartition("->")[2] else {"p": 2, "q": 2}
        expected = rearrange(returned, pixels, **sides).std(dim=2, correction=0).mean(dim=2, keepdim=True)
        with tokred.apply(model, method):
            for i in range(2):
                with tokred.step(i, 2):
                    host.run(model, arguments, 1 - i / 2)
    assert recorder.seen
    for seen in recorder.seen:
        torch.testing.assert_close(seen, expected)


def test_an_edit_model_that_returns_its_own_picture_alone_has_no_rows() -> None:
    host = HOSTS["flux3-edit"]
    model = host.model()
    method, _ = recording("model_output", ("attn", "model"), parts.Interval(0.5, dense_first=2))
    with tokred.apply(model, method), pytest.raises(UnsupportedModel, match=r"no row for each of its \d+ image tokens"):
        host.generate(model, steps=2)


@pytest.mark.parametrize("name", ["mochi", "flux", "hunyuan-video"])
def test_skipped_attentions_remember_a_text_of_any_width(name: str) -> None:
    host = HOSTS[name]
    model = host.model()
    arguments = host.arguments(model, 0)
    method = Method(
        similarity=parts.Cosine(),
        matcher=parts.GridMatcher(),
        scheduler=parts.Interval(1.0, 2, dense_first=1),
        recovery=parts.Cached(),
        sites=("attn",),
    )
    with torch.no_grad():
        dense = host.run(model, arguments)
        with tokred.apply(model, method) as run:
            for i in range(2):
                with tokred.step(i, 2):
                    made = host.run(model, arguments)
            assert run.report().compute < 1
    torch.testing.assert_close(made, dense)


@pytest.mark.parametrize("name", ["todo", "asymrnr"])
def test_keys_that_take_the_shape_of_the_queries_cannot_be_fewer(name: str) -> None:
    with pytest.raises(SpecError, match="have to be those of its queries' tokens"):
        tokred.apply(HOSTS["kandinsky5"].model(), name)
