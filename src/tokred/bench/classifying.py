"""A classifier of the zoo, as a subject."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tokred.bench.measures import metrics_for
from tokred.bench.settings import Settings
from tokred.errors import SpecError
from tokred.metrics import Outputs
from tokred.zoo.catalog import ZooModel
from tokred.zoo.load import read_tensors

TEST = "test.safetensors"


class ClassifyingSubject:
    """Scores a test picture for each seed: seed s stands for picture `s % count`; see `tokred.bench.Subject`.

    Args:
        zoo: describes the model.
        model: its network, loaded.
        metrics: names of more metrics than tokred's own.

    Attributes:
        pictures: the test pictures, `[count, C, H, W]`, uint8.
        classes: the true class of each, `[count]`, int64.

    Raises:
        UnknownName: if there is no metric of a name.
        WeightsError: if the test pictures are missing or corrupt.
    """

    outputs: Outputs = "scores"

    def __init__(self, zoo: ZooModel, model: torch.nn.Module, metrics: Sequence[str] = ()) -> None:
        self.name = zoo.name
        self.model = model
        self.device = next(model.parameters()).device
        self.metrics = metrics_for(self.outputs, ("dense", "truth"), metrics)
        tensors = read_tensors(zoo, TEST)
        self.pictures, self.classes = tensors["images"], tensors["labels"]

    @torch.no_grad()
    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Score each class, `[B, K]`; `steps` must be 1."""
        self._check_steps(steps)
        pictures = self.pictures[self._positions(seeds)].to(self.device).float() / 127.5 - 1
        scores: torch.Tensor = self.model(pictures.to(next(self.model.parameters()).dtype))
        return scores.float().cpu()

    def truth(self, seeds: Sequence[int]) -> torch.Tensor:
        """Return the true classes, `[B]`, int64."""
        return self.classes[self._positions(seeds)]

    def prompts(self, seeds: Sequence[int]) -> None:
        """Return None: nothing is asked for in words."""

    def settings(
        self, seed: int = 0, *, steps: int | None = None, samples: int | None = None, pairs: int = 3
    ) -> Settings:
        """Take all test pictures where nothing else is said; see `Subject`."""
        self._check_steps(1 if steps is None else steps)
        count = len(self.pictures)
        if samples is not None and samples > count:
            raise SpecError(
                f"samples={samples} is too many: {self.name} has {count} test pictures. Give at most {count}."
            )
        return Settings.from_seed(
            seed, steps=1, samples=count if samples is None else samples, pairs=pairs, batch=250, timing_batch=50
        )

    def _check_steps(self, steps: int) -> None:
        if steps != 1:
            raise SpecError(
                f"steps={steps} means nothing for {self.name}: a classifier is called once per picture. Leave it out."
            )

    def _positions(self, seeds: Sequence[int]) -> list[int]:
        return [seed % len(self.pictures) for seed in seeds]
