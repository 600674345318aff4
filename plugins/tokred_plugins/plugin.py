"""The methods, as components; `levels` are the runs that `tokred bench` makes of them."""

from __future__ import annotations

from collections.abc import Iterator

from tokred import Component, hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the methods."""
    yield Component(
        "method",
        "dito",
        "tokred_plugins.dito:dito",
        "match by outputs of an earlier step, reuse the pairs (Lee et al., 2026)",
        levels=(
            {"ratio": 0.5, "dense_first": 4, "sites": ("attn",)},
            {"ratio": 0.5, "dense_first": 4},
            {"ratio": 0.75, "dense_first": 4},
        ),
    )
    yield Component(
        "method",
        "delta",
        "tokred_plugins.delta:delta",
        "forecast each token, corrected by what its destination's forecast missed",
        levels=(
            {"ratio": 0.75},
            {"ratio": 0.9375, "stride": (4, 4), "interval": 3},
            {"ratio": 0.9375, "stride": (4, 4), "interval": 3, "keys": "recovered"},
        ),
    )
    yield Component(
        "method",
        "step_cache",
        "tokred_plugins.step_cache:step_cache",
        "call the model at every k-th step, reuse or carry on its output between",
        levels=(
            {"interval": 2, "dense_first": 12},
            {"interval": 2, "dense_first": 4},
            {"interval": 3, "dense_first": 4},
            {"interval": 2, "dense_first": 4, "order": 1},
            {"interval": 3, "dense_first": 4, "order": 1},
        ),
    )
    yield Component(
        "method",
        "tomesd",
        "tokred_plugins.tomesd:tomesd",
        "merge by similar inputs, in every call (Bolya & Hoffman, 2023)",
        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}),
    )
    yield Component(
        "method",
        "random",
        "tokred_plugins.random:random",
        "random pairs, the floor",
        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}),
    )
