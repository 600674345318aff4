"""Any pipeline that draws, as a subject."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tokred.bench.measures import metrics_for
from tokred.bench.settings import Settings
from tokred.errors import SpecError
from tokred.metrics import Outputs

STEPS = 28
"""Denoising steps where a pipeline has no default."""
Request = str | Mapping[str, Any]
"""A prompt, or arguments of the pipeline that ask for one sample."""
OF_A_BATCH = ("prompt", "negative_prompt")
"""Arguments that pipelines take a list of."""


class PipelineSubject:
    """Draws what is asked for: seed s stands for request `s % count`; see `tokred.bench.Subject`.

    Args:
        pipe: a diffusers pipeline, or anything that is called as one.
        prompts: what is asked for, at least one: prompts, names of classes for a pipeline that takes `class_labels`, or
            arguments such as `{"prompt": "a fox", "image": picture}`.
        name: what results call it; by default the pipeline's class.
        batch: samples that go through the model at once.
        metrics: names of more metrics than tokred's own.
        call: more arguments of every call, such as `guidance_scale` and `height`.

    Raises:
        SpecError: if there are no prompts, or the pipeline has no argument of a name.
    """

    def __init__(
        self,
        pipe: Any,
        prompts: Sequence[Request],
        *,
        name: str = "",
        batch: int = 1,
        metrics: Sequence[str] = (),
        **call: Any,
    ) -> None:
        self.model = pipe
        self.name = name or type(pipe).__name__
        self.batch = batch
        self.call = call
        self.takes = inspect.signature(type(pipe).__call__).parameters
        self.outputs: Outputs = "clips" if "num_frames" in self.takes else "pictures"
        check_call(type(pipe), [call, *prompts])
        self.requests = [self._arguments(prompt) for prompt in prompts]
        texts = [prompt if isinstance(prompt, str) else prompt.get("prompt") for prompt in prompts]
        self.texts = [text for text in texts if isinstance(text, str)]
        worded = len(self.texts) == len(prompts)
        self.metrics = metrics_for(self.outputs, ("dense", "prompt") if worded else ("dense",), metrics)
        if not self.requests:
            raise SpecError("prompts is empty: give at least one, such as prompts=['a fox in the snow'].")

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        device: torch.device = getattr(self.model, "_execution_device", None) or self.model.device
        return device

    @torch.no_grad()
    def generate(self, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Draw samples `[B, 3, H, W]` in [0, 1]; of a pipeline that makes video `[B, F, 3, H, W]`."""
        asked = [self.requests[seed % len(self.requests)] for seed in seeds]
        if self._alone:
            return torch.cat([self._drawn(each, [seed], steps) for each, seed in zip(asked, seeds, strict=True)])
        names = asked[0]
        return self._drawn({name: [x for each in asked for x in _listed(each[name])] for name in names}, seeds, steps)

    def truth(self, seeds: Sequence[int]) -> None:
        """Return None: no sample is the true one."""

    def prompts(self, seeds: Sequence[int]) -> list[str] | None:
        """Return the prompt of each seed, B texts; None where a request has none."""
        count = len(self.requests)
        return [self.texts[seed % count] for seed in seeds] if len(self.texts) == count else None

    def settings(
        self, seed: int = 0, *, steps: int | None = None, samples: int | None = None, pairs: int = 3
    ) -> Settings:
        """Take the pipeline's own number of steps, and a sample of each prompt, where nothing else is said."""
        default = self.takes["num_inference_steps"].default if "num_inference_steps" in self.takes else STEPS
        return Settings.from_seed(
            seed,
            steps=steps if steps is not None else default if isinstance(default, int) else STEPS,
            samples=len(self.requests) if samples is None else samples,
            pairs=pairs,
            batch=self.batch,
            timing_batch=min(2, self.batch),
        )

    @property
    def _alone(self) -> bool:
        """Whether a call can ask for one sample only."""
        names = {frozenset(each) for each in self.requests}
        return len(names) > 1 or not next(iter(names)) <= {*OF_A_BATCH, "class_labels"}

    def _arguments(self, prompt: Request) -> dict[str, Any]:
        if not isinstance(prompt, str):
            return dict(prompt)
        if "class_labels" in self.takes:
            (label,) = self.model.get_label_ids([prompt])
            return {"class_labels": [label]}
        return {"prompt": prompt}

    def _drawn(self, request: Mapping[str, Any], seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Call the pipeline once; each seed has a generator of its own, on the CPU."""
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        given = {"num_inference_steps": steps, "output_type": "pt", "generator": generators, **self.call, **request}
        try:
            made = self.model(**given)
        except ValueError as error:  # as diffusers raises for sizes that a model cannot have, and the like
            said = " ".join(str(error).split())
            raise SpecError(f"{type(self.model).__name__} refuses what it is asked for: {said}") from error
        samples = getattr(made, "images", None)
        samples = getattr(made, "frames", None) if samples is None else samples
        if not isinstance(samples, torch.Tensor) or samples.ndim not in (4, 5):
            raise SpecError(
                f"{type(self.model).__name__} returned no images or frames as a tensor, by output_type='pt'."
            )
        for side, found in (("height", samples.shape[-2]), ("width", samples.shape[-1])):
            if given.get(side) not in (None, found):
                raise SpecError(
                    f"{type(self.model).__name__} drew a {side} of {found} pixels where {given[side]} were asked for: "
                    "it rounds what it cannot have. Ask for a size that it has."
                )
        return samples.float().cpu().clamp(0, 1)


def check_call(kind: type, given: Sequence[Request]) -> None:
    """Refuse arguments that the calls of a class of pipelines do not take.

    Raises:
        SpecError: if there is one; nothing has to be loaded for that.
    """
    takes = inspect.signature(kind.__call__).parameters
    if any(each.kind is each.VAR_KEYWORD for each in takes.values()):
        return
    for name in (name for each in given if not isinstance(each, str) for name in each):
        if name not in takes:
            known = ", ".join(each for each in takes if each != "self")
            raise SpecError(f"{kind.__name__} takes no {name!r}. It takes: {known}.")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
