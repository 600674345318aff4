"""A model of the zoo that draws, as a subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tokred.bench.measures import metrics_for
from tokred.bench.settings import Settings
from tokred.family.sites import sites_of
from tokred.metrics import Outputs
from tokred.registry import family_for
from tokred.zoo.catalog import ZooModel
from tokred.zoo.spread import asked

SAMPLES = 16


class DrawingSubject:
    """Draws a picture of each seed; see `tokred.bench.Subject`.

    Args:
        zoo: describes the model.
        model: its pipeline, loaded.
        metrics: names of more metrics than tokred's own.
        prompt: the class or prompt that every seed draws; by default what each stands for.

    Raises:
        UnknownName: if there is no metric of a name.
        WeightsError: if the weights of a metric are missing or corrupt.
    """

    def __init__(self, zoo: ZooModel, model: Any, metrics: Sequence[str] = (), *, prompt: str | None = None) -> None:
        self.zoo, self.prompt = zoo, prompt
        self.outputs: Outputs = "clips" if zoo.films else "pictures"
        self.name = zoo.name
        self.model = model
        self.device: torch.device = model.device
        self.metrics = metrics_for(self.outputs, ("dense", "prompt"), metrics)

    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Draw pictures `[B, 3, H, W]` in [0, 1], or clips `[B, F, 3, H, W]`; see `ZooModel.draw`."""
        return self.zoo.draw(self.model, self.prompts(seeds), seeds, steps)

    def truth(self, seeds: Sequence[int]) -> None:
        """Return None: no picture is the true one."""

    def prompts(self, seeds: Sequence[int]) -> list[str]:
        """Return the class or prompt that each seed stands for, B texts."""
        return asked(self.zoo.classes, seeds) if self.prompt is None else [self.prompt] * len(seeds)

    def settings(
        self, seed: int = 0, *, steps: int | None = None, samples: int | None = None, pairs: int = 3
    ) -> Settings:
        """Take the steps that the model is meant for and 16 samples, where nothing else is said; see `Subject`.

        Where the samples of a batch share their correspondences, which is worse for each, there is one at a time.
        """
        return Settings.from_seed(
            seed,
            steps=self.zoo.steps if steps is None else steps,
            samples=SAMPLES if samples is None else samples,
            pairs=pairs,
            batch=8 if self._apart else 1,
            timing_batch=2 if self._apart else 1,
        )

    @property
    def _apart(self) -> bool:
        """Whether each sample of a batch can keep other tokens."""
        network = self.model.transformer
        return all(site.per_sample for site in sites_of(family_for(network, "a benchmark"), network))
