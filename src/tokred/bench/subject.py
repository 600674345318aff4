"""What the benchmark measures: a model, and what it makes of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from tokred.bench.classifying import ClassifyingSubject
from tokred.bench.drawing import DrawingSubject
from tokred.bench.settings import Settings
from tokred.errors import SpecError
from tokred.metrics import Metric, Outputs
from tokred.metrics.metric import DRAWN
from tokred.zoo.catalog import find_model
from tokred.zoo.load import load

_NAMES = {"cuda": "CUDA", "mps": "MPS"}


class Subject(Protocol):
    """Something that makes an output of each seed, and that methods can be applied to."""

    @property
    def name(self) -> str:
        """What results call it."""
        ...

    @property
    def model(self) -> Any:
        """The pipeline or module that methods are applied to."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    @property
    def outputs(self) -> Outputs:
        """What it makes."""
        ...

    @property
    def metrics(self) -> Sequence[Metric]:
        """What is measured of its outputs; the first one orders the methods in plots."""
        ...

    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Make one output per seed in `steps` denoising steps, without gradients.

        Returns:
            `[B, ...]`, floating point, on the CPU; each depends on its own seed only. Pictures are
            `[B, 3, H, W]` in [0, 1].
        """
        ...

    def truth(self, seeds: Sequence[int]) -> torch.Tensor | None:
        """Return what the outputs should be, `[B, ...]`, for absolute metrics; None where nothing is true or false."""
        ...

    def prompts(self, seeds: Sequence[int]) -> Sequence[str] | None:
        """Return what each output was asked for in words, B texts; None where it was not."""
        ...

    def settings(
        self, seed: int = 0, *, steps: int | None = None, samples: int | None = None, pairs: int = 3
    ) -> Settings:
        """Return how to measure it; what is not given is what it is meant for.

        Args:
            seed: of the first sample; the next ones count up.
            steps: denoising steps of the dense reference.
            samples: outputs of each run that are measured.
            pairs: timed pairs of a dense and a method generation.

        Raises:
            SpecError: if a value is out of range, or has no meaning here.
        """
        ...


def load_subject(
    name: str,
    device: str = "cpu",
    metrics: Sequence[str] = (),
    *,
    dtype: torch.dtype = torch.float32,
    prompt: str | None = None,
) -> Subject:
    """Load a trained model that comes with tokred.

    Args:
        name: one of the names that `tokred.zoo.zoo_models()` lists.
        device: any that PyTorch knows, such as "cpu" or "cuda:1".
        metrics: names of more metrics than tokred's own.
        dtype: that it computes in.
        prompt: what it draws, for each seed; by default what the seed stands for.

    Raises:
        UnknownName: there is no such model, or no such metric.
        SpecError: there is no such device, or the model does not draw and is given a prompt.
        WeightsError: files of the model, or of a metric, are missing or corrupt.
    """
    zoo = find_model(name)
    check_device(device)
    if prompt is not None:
        zoo.check_draws()
    if zoo.draws:
        return DrawingSubject(zoo, load(zoo, device, dtype), metrics, prompt=prompt)
    return ClassifyingSubject(zoo, load(zoo, device, dtype), metrics)


def check_draws(subject: Subject) -> None:
    """Raise `SpecError` unless a subject draws pictures or clips."""
    if subject.outputs not in DRAWN:
        raise no_drawing(subject.name)


def no_drawing(name: str) -> SpecError:
    """Return what is raised where a model that does not draw is asked to."""
    return SpecError(f"{name!r} does not draw: it looks at pictures. Name a pipeline, see `tokred models`.")


def check_device(device: str) -> None:
    """Raise `SpecError` unless `device` is one that PyTorch knows and this machine has."""
    try:
        asked = torch.device(device)
    except RuntimeError:
        raise SpecError(f"device={device!r} is not known. Allowed: cpu, cuda, cuda:1, mps, ...") from None
    if asked.type == "cpu":
        return
    there = torch.get_device_module(asked).is_available() if asked.type != "meta" else False
    if not there:
        raise SpecError(f"device={device!r} is not there: PyTorch sees no {_NAMES.get(asked.type, asked.type)} device.")
    count = torch.get_device_module(asked).device_count()
    if (asked.index or 0) >= count:
        raise SpecError(f"device={device!r} is not there: this machine has {count}, counted from 0.")
