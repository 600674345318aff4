"""tokred's own baselines, as components."""

from __future__ import annotations

from collections.abc import Iterator

from tokred.registry.component import Component
from tokred.registry.hooks import hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the baselines."""
    yield Component(
        "baseline",
        "fewer_steps",
        "tokred.baselines.fewer_steps:FewerSteps",
        "take a share of the denoising steps",
        levels=({"share": 0.8}, {"share": 2 / 3}, {"share": 0.5}),
    )
    yield Component(
        "baseline",
        "first_block_cache",
        "tokred.baselines:FirstBlockCache",
        "diffusers' FirstBlockCache: skip the other blocks where the first one changed little",
        levels=({"threshold": 0.05}, {"threshold": 0.1}, {"threshold": 0.2}),
    )
    yield Component(
        "baseline",
        "taylor_seer",
        "tokred.baselines:TaylorSeer",
        "diffusers' TaylorSeer: forecast the output at steps that are not computed",
        levels=(
            {"interval": 2, "dense_first": 2},
            {"interval": 2, "dense_first": 4},
            {"interval": 3, "dense_first": 4},
            {"interval": 4, "dense_first": 4},
        ),
    )
    yield Component(
        "baseline",
        "zeus",
        "tokred.baselines:Zeus",
        "ZEUS: a line through the last two outputs, and plain reuse, in turns",
        levels=({"interval": 2, "dense_first": 2}, {"interval": 3, "dense_first": 4}),
    )
    yield Component(
        "baseline",
        "spectrum",
        "tokred.baselines:Spectrum",
        "Spectrum: Chebyshev polynomials fitted to all outputs so far, mixed with reuse",
        levels=({"interval": 2, "dense_first": 4, "mix": 1.0}, {"interval": 3, "dense_first": 4}),
    )
    yield Component(
        "baseline",
        "mag_cache",
        "tokred.baselines:MagCache",
        "diffusers' MagCache: skip steps while the residual keeps its magnitude",
        levels=({"threshold": 0.1}, {"threshold": 0.2}),
    )
    yield Component(
        "baseline",
        "sea_cache",
        "tokred.baselines:SeaCache",
        "diffusers' SeaCache: skip steps while the picture in the input changes little, by its spectrum",
        levels=({"threshold": 0.25}, {"threshold": 0.5}),
    )
    yield Component(
        "baseline",
        "db_cache",
        "tokred.baselines:DBCache",
        "cache-dit's DBCache: skip the other blocks where the first ones changed little, or forecast what they add",
        levels=(
            {"threshold": 0.2},
            {"threshold": 1.0, "longest": 1, "order": 1},
            {"threshold": 1.0, "longest": 2, "order": 1},
        ),
    )
    yield Component(
        "baseline",
        "pyramid_attention_broadcast",
        "tokred.baselines:PyramidAttentionBroadcast",
        "diffusers' PyramidAttentionBroadcast: use attention outputs again",
        levels=({"interval": 2},),
    )
    yield Component(
        "baseline",
        "faster_cache",
        "tokred.baselines:FasterCache",
        "diffusers' FasterCache: extrapolate attention, and leave out a guidance branch",
        levels=({"interval": 2}, {"interval": 2, "below": 901.0}),
    )
