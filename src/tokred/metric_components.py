"""tokred's own metrics, as components; the first that fits orders the methods in plots.

Apart from the metrics themselves, so that listing what there is imports none of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from tokred.registry.component import Component
from tokred.registry.hooks import hookimpl

SUMMARIES = {
    "psnr": "peak signal-to-noise ratio; 100 is identical",
    "psnr_foreground": "the same over the pixels where a channel of the dense picture is further than 0.05 from white",
    "ssim": "structural similarity, at most 1",
    "lpips": "perceptual distance (LPIPS v0.1, AlexNet), at least 0",
    "top1": "1 where the true class is ranked first, otherwise 0",
    "agreement": "1 where the class ranked first is the dense one's, otherwise 0",
    "cosine": "cosine of the features and the dense ones, at most 1",
}
"""What each says, by the name of its file."""


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the metrics."""
    for name, summary in SUMMARIES.items():
        yield Component("metric", name, f"tokred.metrics.{name}:METRIC", summary)
