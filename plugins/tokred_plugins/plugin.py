"""The methods, as components; `levels` are the runs that `tokred bench` makes of them."""

from __future__ import annotations

from collections.abc import Iterator

from tokred import Component, hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the methods."""
    for name, summary in (
        ("quality", "preset: skip every other step between dense ones at both ends"),
        ("balanced", "preset: skip two steps in three between dense ones at both ends: about half of the compute"),
        ("fast", "preset: skip three steps in four"),
    ):
        yield Component("method", name, f"tokred_plugins.presets:{name}", summary)
    yield Component(
        "method",
        "edit",
        "tokred_plugins.presets:edit",
        "preset for editing: leave the references out of the second step, skip every other one after it",
        hosts="tokred_adapters.tiny.qwenimage:EDITING",
    )
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
            {"ratio": 0.9, "stride": (4, 4), "interval": 3},
            {"ratio": 0.9, "stride": (4, 4), "interval": 3, "keys": "recovered"},
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
        "reference_cache",
        "tokred_plugins.reference_cache:reference_cache",
        "leave reference pictures out of most steps, keep their keys and values",
        levels=(
            {"program": "DR*(D)"},
            {"program": "DR*(1D)D"},
            {"program": "DD(RRRD)*", "order": 1},
        ),
        hosts="tokred_adapters.tiny.qwenimage:EDITING",
    )
    yield Component(
        "method",
        "region_edit",
        "tokred_plugins.region_edit:region_edit",
        "leave out what an edit leaves as the reference has it",
        levels=(
            {"program": "D(DE)*D", "references": True},
            {"program": "DDD(1E1D)*D"},
            {"program": "DDD(1E1D)*D", "references": True},
        ),
        hosts="tokred_adapters.tiny.qwenimage:REGION",
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
        "tofu",
        "tokred_plugins.tofu:tofu",
        "prune in early blocks, merge at full length in later ones (Kim et al., 2024)",
        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}),
    )
    yield Component(
        "method",
        "sito",
        "tokred_plugins.sito:sito",
        "prune what is close to the most typical token of a cell (Zhang et al., 2025)",
        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.7}),
    )
    yield Component(
        "method",
        "ca_tome",
        "tokred_plugins.ca_tome:ca_tome",
        "merge by similar inputs, pairs kept between checkpoint steps (2025)",
        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}),
    )
    yield Component(
        "method",
        "toma",
        "tokred_plugins.toma:toma",
        "merge tiles into their most representative tokens by soft weights (Lu et al., 2025)",
        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}),
    )
    yield Component(
        "method",
        "sdtm",
        "tokred_plugins.sdtm:sdtm",
        "merge alike windows early, similar tokens of MLPs late, blended with a cache (Fang et al., 2025)",
        levels=({"ratio": 0.2}, {"ratio": 0.3}, {"ratio": 0.45}),
    )
    yield Component(
        "method",
        "todo",
        "tokred_plugins.todo:todo",
        "attend to keys and values of a smaller grid (Smith et al., 2024)",
        levels=({"factor": 2}, {"factor": 4}, {"factor": 2, "sample": "mean"}),
    )
    yield Component(
        "method",
        "asymrnr",
        "tokred_plugins.asymrnr:asymrnr",
        "drop queries by pairs of queries, keys and values by pairs of values (Sun et al., 2025)",
        levels=(
            {"queries": (0.25,), "keys": (0.25,)},
            {"queries": (0.5,), "keys": (0.3,)},
            {"queries": (0.75,), "keys": (0.5,)},
        ),
    )
    yield Component(
        "method",
        "ras",
        "tokred_plugins.ras:ras",
        "skip for a step the tokens whose noise the model changes most (Liu et al., 2025)",
        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}),
    )
    yield Component(
        "method",
        "toca",
        "tokred_plugins.toca:toca",
        "reuse attention, and MLPs but for the tokens that matter most (Zou et al., 2025)",
        levels=({"fresh": 0.5}, {"fresh": 0.2}, {"fresh": 0.2, "every": 4}),
    )
    yield Component(
        "method",
        "tome",
        "tokred_plugins.tome:tome",
        "merge similar keys after attention, for good (Bolya et al., 2023)",
        levels=({"r": 4}, {"r": 8}, {"r": 12}, {"r": 16}, {"r": 24}, {"r": 32}, {"r": 48}),
    )
    yield from _at_stages()
    yield Component(
        "method",
        "dynamicvit",
        "tokred_plugins.dynamicvit:dynamicvit",
        "keep what a trained predictor finds likely to matter (Rao et al., 2021)",
        levels=({"ratio": 0.1}, {"ratio": 0.3}, {"ratio": 0.5}, {"ratio": 0.7}),
        hosts="tokred_adapters.tiny.vit:FASHION",
    )
    yield Component(
        "method",
        "diffrate",
        "tokred_plugins.diffrate:diffrate",
        "prune what the class token attends to least, merge the next by keys, for good (Chen et al., 2023)",
        levels=(
            {"after_prune": (0.96,), "after_merge": (0.92,)},
            {"after_prune": (0.92,), "after_merge": (0.84,)},
            {"after_prune": (0.88,), "after_merge": (0.76,)},
        ),
    )
    yield Component(
        "method",
        "pitome",
        "tokred_plugins.pitome:pitome",
        "merge tokens that resemble many others, protect the rest, for good (Tran et al., 2024)",
        levels=({"ratio": 0.1}, {"ratio": 0.2}, {"ratio": 0.3}, {"ratio": 0.4}),
    )
    yield Component(
        "method",
        "random",
        "tokred_plugins.random:random",
        "random pairs, the floor",
        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}),
    )
    yield from _parts()
    yield from _stage_parts()


def _at_stages() -> Iterator[Component]:
    """Yield methods that remove tokens of a classifier for good; all but the last do at a few blocks."""
    for name, summary in (
        ("evit", "keep what the class token attends to, fuse the rest (Liang et al., 2022)"),
        ("ats", "sample by the class token's attention and the values' lengths (Fayyaz et al., 2022)"),
        ("atc", "cluster keys bottom-up (Haurum et al., 2024)"),
        ("token_pooling", "cluster tokens by k-medoids or k-means (Marin et al., 2023)"),
    ):
        levels = ({"ratio": 0.1}, {"ratio": 0.3}, {"ratio": 0.5}, {"ratio": 0.7})
        yield Component("method", name, f"tokred_plugins.{name}:{name}", summary, levels=levels)
    yield Component(
        "method",
        "kff",
        "tokred_plugins.kff:kff",
        "ToMe by keys and tokens, averages weighted by similarity (Yang et al., 2025)",
        levels=({"r": 4}, {"r": 8}, {"r": 12}, {"r": 16}, {"r": 20}, {"r": 24}),
    )


def _parts() -> Iterator[Component]:
    """Yield the parts that methods bring along, so that they have names in files and on the command line."""
    yield Component("similarity", "dot", "tokred_plugins.asymrnr:Dot", "scalar product")
    yield Component("matcher", "bases", "tokred_plugins.sito:BaseMatcher", "SiTo's: prune what is close to a base")
    yield Component(
        "matcher",
        "facility",
        "tokred_plugins.toma:FacilityMatcher",
        "ToMA's: soft weights to the most representative tokens of a tile",
        expected_failures={"broken_tokens_attract_none": "a grid of primes has no tiles to test it on"},
    )
    yield Component(
        "matcher", "windows", "tokred_plugins.sdtm:WindowMatcher", "SDTM's: collapse the most alike windows"
    )
    yield Component(
        "matcher", "anchors", "tokred_plugins.sdtm:AnchorMatcher", "SDTM's: keep each window's stalest token"
    )
    yield Component(
        "matcher",
        "downsample",
        "tokred_plugins.todo:Downsample",
        "ToDo's: a smaller grid",
        expected_failures={"broken_tokens_attract_none": "it reads no features, so it cannot tell a broken token"},
    )
    yield Component("matcher", "regions", "tokred_plugins.ras:RegionMatcher", "RAS's: skip tokens by their spread")
    yield Component("matcher", "fresh", "tokred_plugins.toca:FreshMatcher", "ToCa's: compute what matters and is stale")
    yield Component(
        "scheduler",
        "refresh",
        "tokred_plugins.toca:Refresh",
        "ToCa's: skip attention, reduce MLPs, but for every few steps",
        levels=({"fresh": 0.5}, {"fresh": 0.0}),
    )
    yield Component("matcher", "bipartite", "tokred_plugins.tome:BipartiteMatcher", "ToMe's: every other token")
    yield Component(
        "scheduler", "per_block", "tokred_plugins.tome:PerBlock", "ToMe's: a number of tokens in each block"
    )
    yield Component(
        "matcher", "energy", "tokred_plugins.pitome:EnergyMatcher", "PiToMe's: merge what resembles many others"
    )
    for name, target, summary in (
        ("checkpoints", "ca_tome:Checkpoints", "CA-ToMe's: match at checkpoints, reduce everywhere"),
        ("resets", "ras:Resets", "RAS's: reduce by what was returned last, but for a few dense steps"),
        ("every_nth", "toma:EveryNth", "ToMA's: reduce at every n-th step"),
        ("falling_margin", "pitome:FallingMargin", "PiToMe's: a share of the tokens in each block"),
    ):
        yield Component("scheduler", name, f"tokred_plugins.{target}", summary, levels=({"ratio": 0.5},))
    yield Component(
        "scheduler",
        "apart",
        "tokred_plugins.asymrnr:Apart",
        "AsymRnR's: other ratios for queries than for keys",
        levels=({"queries": (0.5, 0.0), "keys": (0.3,)},),
    )
    yield Component("scheduler", "ramp", "tokred_plugins.sdtm:Ramp", "SDTM's: less and less, every third step dense")


def _stage_parts() -> Iterator[Component]:
    """Yield the parts of the methods that remove tokens of a classifier."""
    yield Component(
        "matcher",
        "predicted",
        "tokred_plugins.dynamicvit:PredictedMatcher",
        "DynamicViT's: keep what a trained predictor scores highest",
        levels=({"weights": "fashion-vit"},),
    )
    yield Component(
        "scheduler",
        "rates",
        "tokred_plugins.diffrate:Rates",
        "DiffRate's: shares of the tokens that each block keeps",
        levels=(
            {"after_prune": (0.8,), "after_merge": (0.5,)},
            {"after_prune": (1, 1, 0.5), "after_merge": (1, 0.5, 0.5)},
        ),
    )
    for name, target, summary in (
        ("attentive", "evit:AttentiveMatcher", "EViT's: fuse what matters least into one"),
        ("sampling", "ats:SamplingMatcher", "ATS's: sample by significance, keep each token once"),
        ("importance", "diffrate:ImportanceMatcher", "DiffRate's: prune the least important, merge the next"),
        ("clusters", "token_pooling:ClusterMatcher", "Token Pooling's: k-medoids or k-means"),
        ("similarity_weighted", "kff:SimilarityWeighted", "KFF's: another matcher's pairs, averaged by similarity"),
    ):
        yield Component("matcher", name, f"tokred_plugins.{target}", summary)
    yield Component(
        "matcher",
        "agglomerative",
        "tokred_plugins.atc:AgglomerativeMatcher",
        "ATC's: join the closest clusters",
        expected_failures={"memory_is_linear": "it holds the distances of all pairs of clusters"},
    )
