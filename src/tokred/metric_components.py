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
    "psnr_changes": "of clips, PSNR of what changes from frame to frame: how far they flicker",
    "ssim": "structural similarity, at most 1",
    "lpips": "perceptual distance (LPIPS v0.1, AlexNet), at least 0",
    "top1": "1 where the true class is ranked first, otherwise 0",
    "agreement": "1 where the class ranked first is the dense one's, otherwise 0",
    "cosine": "cosine of the features and the dense ones, at most 1",
}
"""What each says, by the name of its file."""
BY_WEIGHTS = {
    "clip_score": "how well pictures show their prompts, by CLIP (Hessel et al., 2021)",
    "fid": "Fréchet inception distance between the pictures of a run and the dense ones; one number of all samples",
    "dreamsim": "distance learned from what people see as alike (Fu et al., 2023)",
}
"""Those that are made by weights: functions, measured where they are asked for, and checked with weights alone."""


@hookimpl
def tokred_components() -> Iterator[Component]:
    """Yield the metrics."""
    for name, summary in SUMMARIES.items():
        yield Component("metric", name, f"tokred.metrics.{name}:METRIC", summary)
    for name, summary in BY_WEIGHTS.items():
        yield Component("metric", name, f"tokred.metrics.{name}:{name}", summary, levels=())
