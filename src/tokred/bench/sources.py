"""What a name or a folder stands for, as a subject."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tokred.bench.alignment import align
from tokred.bench.inputs import read_prompts
from tokred.bench.looking import VisionSubject
from tokred.bench.pictures_data import PicturesData, pictures_data
from tokred.bench.pipelines import check_offload, load_pipeline, place, saved_class
from tokred.bench.prompting import PipelineSubject, check_call
from tokred.bench.subject import Subject, check_device, check_draws, load_subject
from tokred.bench.vision_models import (
    TIMM,
    TRANSFORMERS,
    VisionModel,
    timm_model,
    timm_vision,
    transformers_model,
)
from tokred.errors import SpecError
from tokred.zoo.catalog import find_model, zoo_models

OF_PIPELINES = ("size", "frames", "call", "variant", "offload")
"""What is said of pipelines alone."""
FLOAT32 = "float32"
DTYPES = (FLOAT32, "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a model comes from, and what it is asked for.

    Attributes:
        model: a name of the zoo; a folder or a name of the Hugging Face hub, which holds a pipeline; "timm:NAME", with
            ":FILE.safetensors" for weights of one's own; "hf:NAME", a vision model of transformers; or
            "package.module:function", which returns a pipeline, a module or a subject.
        revision: of a name of the hub.
        variant: of a pipeline's files, such as "fp16".
        offload: "none", or what of a pipeline waits on the CPU: each "model", or each "group" of layers.
        device: any that PyTorch knows, such as "cpu" or "cuda:1".
        dtype: that it computes in; what a function returns keeps its own unless another than float32 is asked for.
        prompts: a file of what a pipeline is asked for, see `tokred.bench.inputs.read_prompts`; or, as a string, the
            one prompt, or class, that it is asked for, of a model of the zoo too.
        data: pictures for a vision model, see `tokred.bench.pictures_data.pictures_data`.
        size: height and width of what is drawn; None leaves them to the pipeline.
        frames: of a video; None likewise.
        call: more arguments of every call of a pipeline.
        batch: samples that go through the model at once; None for the subject's own.
    """

    model: str
    revision: str | None = None
    variant: str | None = None
    offload: str = "none"
    device: str = "cpu"
    dtype: str = FLOAT32
    prompts: Path | str | None = None
    data: Path | None = None
    size: tuple[int, int] | None = None
    frames: int | None = None
    call: Mapping[str, Any] = field(default_factory=dict)
    batch: int | None = None

    def load(self, metrics: Sequence[str] = ()) -> Subject:
        """Load the model; all that can be checked before is.

        Raises:
            SpecError: if there is no such model, device or dtype, or what it is asked for is missing or of no use.
        """
        check_device(self.device)
        self._check_dtype()
        check_offload(self.offload, self.device)
        if self._of_zoo:
            find_model(self.model)
            one = self.prompts if isinstance(self.prompts, str) else None
            self._refuse(*([] if one else ["prompts"]), "data", "batch", "revision", *OF_PIPELINES)
            return load_subject(self.model, self.device, metrics, dtype=self._dtype, prompt=one)
        if self._looks:
            self._refuse("prompts", *OF_PIPELINES, *(["revision"] if self.model.startswith(TIMM) else []))
            data = self._pictures()
            return self._vision(self._vision_model, data, metrics)
        if self._is_function:
            self._refuse("revision", "variant")
            return self._made(metrics)
        self._refuse("data")
        prompts, kind = self._prompts(), saved_class(self.model)
        if kind:
            check_call(kind, [self._arguments, *prompts])
        return self._pipeline(load_pipeline(self.model, self._dtype, self.revision, self.variant), prompts, metrics)

    def load_drawing(self) -> Subject:
        """Load a model that draws; what its name says to draw nothing is not loaded.

        Raises:
            SpecError: likewise, or if it does not draw.
        """
        if self._of_zoo:
            find_model(self.model).check_draws()
        if self._looks:
            raise SpecError(
                f"{self.model!r} does not draw: it looks at pictures. Name a pipeline, see `tokred models`."
            )
        subject = self.load()
        check_draws(subject)
        return subject

    def words(self) -> list[object]:
        """Return how a command says all but the model; of what was not given only the device."""
        plain = {each.name: getattr(self, each.name) for each in dataclasses.fields(self) if self._was_given(each)}
        said = {"size": "x".join(map(str, self.size or ()))}
        named = [(name, said.get(name, value)) for name, value in plain.items() if name not in ("model", "call")]
        named += [("call", f"{name}={json.dumps(value)}") for name, value in self.call.items()]
        return [word for name, value in named for word in (f"--{name}", value)]

    def _was_given(self, option: dataclasses.Field[Any]) -> bool:
        return option.name == "device" or getattr(self, option.name) not in (option.default, {})

    @property
    def _vision_model(self) -> VisionModel:
        if self.model.startswith(TIMM):
            return timm_model(self.model)
        return transformers_model(self.model, self.revision)

    @property
    def _of_zoo(self) -> bool:
        known = [model.name for model in zoo_models()]
        return self.model in known or not (":" in self.model or "/" in self.model or Path(self.model).exists())

    @property
    def _looks(self) -> bool:
        return self.model.startswith((TIMM, TRANSFORMERS))

    @property
    def _is_function(self) -> bool:
        module, colon, name = self.model.partition(":")
        return bool(colon) and name.isidentifier() and all(part.isidentifier() for part in module.split("."))

    @property
    def _dtype(self) -> torch.dtype:
        dtype: torch.dtype = getattr(torch, self.dtype)
        return dtype

    def _check_dtype(self) -> None:
        if self.dtype not in DTYPES:
            raise SpecError(f"dtype={self.dtype!r} is not known. Allowed: {', '.join(DTYPES)}.")
        try:
            torch.ones(2, 2, device=self.device, dtype=self._dtype).mm(torch.ones(2, 2).to(self.device, self._dtype))
        except (RuntimeError, TypeError) as error:
            said = " ".join(str(error).split())[:200]
            raise SpecError(f"dtype={self.dtype!r} cannot be computed on {self.device}: {said}") from error

    def _made(self, metrics: Sequence[str]) -> Subject:
        """Return what a function of the user's makes, as a subject."""
        module, _, name = self.model.partition(":")
        try:
            made = getattr(importlib.import_module(module), name)()
        except (ImportError, AttributeError) as error:
            raise SpecError(f"--model {self.model}: {error}. Name a function that can be imported.") from error
        if isinstance(made, torch.nn.Module):
            return self._vision(timm_vision(made), self._pictures(), metrics)
        if hasattr(made, "generate") and hasattr(made, "settings"):
            self._refuse("prompts", "data", "batch", "dtype", *OF_PIPELINES)
            subject: Subject = made
            return subject
        if self.dtype != FLOAT32:
            made.to(self._dtype)
        return self._pipeline(made, self._prompts(), metrics)

    def _pipeline(self, pipe: Any, prompts: Sequence[Any], metrics: Sequence[str]) -> Subject:
        place(pipe, self.device, self.offload)  # type: ignore[arg-type]
        pipe.set_progress_bar_config(disable=True)
        named: dict[str, Any] = {"name": self.model, "batch": self.batch or 1, "metrics": metrics}
        return PipelineSubject(pipe, prompts, **named, **self._arguments)

    @property
    def _arguments(self) -> dict[str, Any]:
        """What every call is given."""
        size = dict(zip(("height", "width"), self.size, strict=True)) if self.size else {}
        return {**self.call, **size, **({"num_frames": self.frames} if self.frames else {})}

    def _pictures(self) -> PicturesData:
        if self.data is None:
            raise SpecError(f"--model {self.model} looks at pictures: name them by --data, a folder or an .npz.")
        return pictures_data(self.data)

    def _vision(self, vision: VisionModel, data: PicturesData, metrics: Sequence[str]) -> Subject:
        return VisionSubject(
            self._placed(vision.model),
            data.pictures,
            data.labels if vision.outputs == "scores" else None,
            name=self.model,
            prepare=lambda picture: vision.see(data.opened(picture)),
            outputs=vision.outputs,
            read=vision.read,
            batch=self.batch or 16,
            metrics=metrics,
        )

    def _placed(self, model: torch.nn.Module) -> torch.nn.Module:
        keeps = self._is_function and self.dtype == FLOAT32
        model = model.to(self.device) if keeps else model.to(self.device, self._dtype)
        align(model)
        return model

    def _prompts(self) -> Sequence[Any]:
        if isinstance(self.prompts, str):
            return [self.prompts]
        if self.prompts is None:
            raise SpecError(f"--model {self.model} draws what it is asked for: name a file of prompts by --prompts.")
        return read_prompts(self.prompts)

    def _refuse(self, *names: str) -> None:
        given = {each.name: getattr(self, each.name) for each in dataclasses.fields(self) if self._was_given(each)}
        for name in names:
            if name in given:
                raise SpecError(f"--{name} means nothing for --model {self.model}. Leave it out.")
