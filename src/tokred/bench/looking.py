"""Any model that makes scores or features of pictures, as a subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from tokred.bench.measures import metrics_for
from tokred.bench.settings import Settings
from tokred.bench.vision_models import first
from tokred.errors import SpecError
from tokred.metrics import Outputs

Pictures = Sequence[Any]
"""Pictures that `prepare` takes, read as they are needed."""


class VisionSubject:
    """Looks at a picture for each seed: seed s stands for picture `s % count`; see `tokred.bench.Subject`.

    Args:
        model: returns scores `[B, K]` or features `[B, C]` of pictures.
        pictures: what it looks at, at least one.
        labels: the true class of each picture; None where they are not known.
        name: what results call it; by default the model's class.
        prepare: makes a tensor `[C, H, W]` of a picture; by default it is one already.
        outputs: "scores" of classes, or "features".
        read: takes these out of what the model returns; by default it is a tensor, or the first of several.
        batch: pictures that go through the model at once.
        metrics: names of more metrics than tokred's own.

    Raises:
        SpecError: if there are no pictures, or another number of labels.
    """

    def __init__(
        self,
        model: nn.Module,
        pictures: Pictures,
        labels: Sequence[int] | None = None,
        *,
        name: str = "",
        prepare: Callable[[Any], torch.Tensor] | None = None,
        outputs: Outputs = "scores",
        read: Callable[[Any], torch.Tensor] = first,
        batch: int = 16,
        metrics: Sequence[str] = (),
    ) -> None:
        if not len(pictures) or (labels is not None and len(labels) != len(pictures)):
            said = "no" if labels is None else len(labels)
            raise SpecError(
                f"{len(pictures)} pictures with {said} labels: give at least one picture, and a label each."
            )
        self.model = model.eval()
        self.name = name or type(model).__name__
        self.pictures = pictures
        self.labels = labels
        self.prepare = prepare or torch.as_tensor
        self.outputs: Outputs = outputs
        self.read = read
        self.batch = batch
        self.metrics = metrics_for(outputs, ("dense",) if labels is None else ("dense", "truth"), metrics)
        if outputs == "scores" and labels is None:
            self.metrics += metrics_for("features")  # without a truth, whether scores turn is worth to be known

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.model.parameters()).device

    @torch.no_grad()
    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Return scores `[B, K]` or features `[B, C]`; `steps` must be 1."""
        self._check_steps(steps)
        weight = next(self.model.parameters())
        batch = torch.stack([self.prepare(self.pictures[seed % len(self.pictures)]) for seed in seeds])
        made = self.read(self.model(batch.to(weight.device, weight.dtype)))
        return made.float().cpu().flatten(1)

    def truth(self, seeds: Sequence[int]) -> torch.Tensor | None:
        """Return the true classes, `[B]`, int64; None where they are not known."""
        labels = self.labels
        return None if labels is None else torch.tensor([int(labels[seed % len(labels)]) for seed in seeds])

    def prompts(self, seeds: Sequence[int]) -> None:
        """Return None: nothing is asked for in words."""

    def settings(
        self, seed: int = 0, *, steps: int | None = None, samples: int | None = None, pairs: int = 3
    ) -> Settings:
        """Take all pictures where nothing else is said; see `Subject`."""
        self._check_steps(1 if steps is None else steps)
        count = len(self.pictures)
        if samples is not None and samples > count:
            raise SpecError(f"samples={samples} is too many: there are {count} pictures. Give at most {count}.")
        return Settings.from_seed(
            seed, steps=1, samples=samples or count, pairs=pairs, batch=self.batch, timing_batch=self.batch
        )

    def _check_steps(self, steps: int) -> None:
        if steps != 1:
            raise SpecError(
                f"steps={steps} means nothing for {self.name}: it is called once per picture. Leave it out."
            )
