"""CLIPScore: how well a picture shows what was asked for (Hessel et al., "CLIPScore", EMNLP 2021)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch

from tokred.errors import WeightsError
from tokred.metrics.metric import Metric
from tokred.metrics.pictures import check_pictures
from tokred.quiet import no_bars

NEEDS = "transformers, and the folder or hub name of a CLIP model: clip_score:weights=PATH"


class ClipScore:
    """Measure the cosine of pictures and their prompts in CLIP's space, times 100; 0 where it is negative.

    This is the convention of most tables; the paper multiplies by 2.5. The model's own processor resizes and crops
    pictures, and cuts prompts after as many tokens as the model takes (77).

    Args:
        model: a `transformers.CLIPModel`.
        processor: its `transformers.CLIPProcessor`.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self.model = model.eval()
        self.processor = processor

    @torch.no_grad()
    def __call__(self, pictures: torch.Tensor, prompts: Sequence[str]) -> torch.Tensor:
        """Compare each picture with its prompt.

        Args:
            pictures: `[B, 3, H, W]`, floating point in [0, 1].
            prompts: B texts.

        Returns:
            One value per picture, `[B]` float32, in [0, 100]; higher is better.

        Raises:
            SpecError: if it is not such a batch.
        """
        images = list((255 * check_pictures("pictures", pictures)).round().byte())
        given = self.processor(text=list(prompts), images=images, return_tensors="pt", padding=True, truncation=True)
        made = self.model(**given)
        cosines: torch.Tensor = (made.image_embeds * made.text_embeds).sum(dim=1)
        return (100 * cosines).clamp(min=0).float()


def clip_score(weights: str = "") -> Metric:
    """Return CLIPScore by a CLIP model.

    Args:
        weights: folder that `CLIPModel.save_pretrained` and its processor wrote, or a name of the Hugging Face hub.
    """
    return Metric(
        name="clip_score",
        title="CLIPScore",
        digits=2,
        against="prompt",
        needs=NEEDS,
        load=lambda: _load(weights),
    )


@functools.cache
def _load(weights: str) -> ClipScore:
    if not weights:
        raise WeightsError(f"clip_score needs {NEEDS}.")
    try:
        import transformers

        with no_bars():
            model = transformers.CLIPModel.from_pretrained(weights)
            return ClipScore(model, transformers.CLIPProcessor.from_pretrained(weights))
    except (ImportError, OSError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise WeightsError(f"clip_score cannot load weights={weights}: {said} It needs {NEEDS}.") from error
