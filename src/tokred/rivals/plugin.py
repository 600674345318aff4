"""tokred's own rivals, as components."""

from __future__ import annotations

from collections.abc import Iterator

from tokred.registry.component import Component
from tokred.registry.hooks import hookimpl


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the rivals."""
    yield Component(
        "rival",
        "fewer_steps",
        "tokred.rivals.fewer_steps:FewerSteps",
        "take a share of the denoising steps",
        levels=({"share": 0.8}, {"share": 2 / 3}, {"share": 0.5}),
    )
