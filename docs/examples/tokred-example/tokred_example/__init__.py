"""What tokred-example offers to tokred. This module is imported to list it, so nothing heavy is imported here."""

from collections.abc import Iterator

from tokred import Component, hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the components."""
    yield Component("similarity", "example", "tokred_example.damped:Damped", "the cosine, less for unequal lengths")
    yield Component(
        "method",
        "example",
        "tokred_example.method:example",
        "pairs of alike and equally long outputs, reused",
        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}),
    )
    yield Component("metric", "edges", "tokred_example.edges:METRIC", "how far edges are from the dense ones")
    yield Component(
        "baseline", "half_precision", "tokred_example.half_precision:HalfPrecision", "the dense model in bfloat16"
    )
