"""What a name or a folder stands for, as a subject."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tokred.bench.inputs import read_prompts, vision_data
from tokred.bench.pipeline_subject import PipelineSubject
from tokred.bench.subject import Subject, check_device, load_subject
from tokred.bench.vision_subject import VisionSubject
from tokred.errors import SpecError
from tokred.quiet import no_bars
from tokred.zoo.catalog import find_model, zoo_models

DTYPES = ("float32", "bfloat16", "float16")
TIMM = "timm:"
SAVED = {"WordFluxPipeline": "tokred.zoo.flux", "WordSD3Pipeline": "tokred.zoo.sd3"}
"""Pipelines of the zoo that are no classes of diffusers, and where they are."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a model comes from, and what it is asked for.

    Attributes:
        model: a name of the zoo; a folder or a name of the Hugging Face hub, which holds a pipeline; "timm:NAME", with
            ":FILE.safetensors" for weights of one's own; or "package.module:function", which returns a pipeline, a
            module or a subject.
        device: any that PyTorch knows, such as "cpu" or "cuda:1".
        dtype: that a model which is not of the zoo computes in.
        prompts: a file of what a pipeline is asked for, see `tokred.bench.inputs.read_prompts`.
        data: pictures for a vision model, see `tokred.bench.inputs.vision_data`.
        size: height and width of what is drawn; None leaves them to the pipeline.
        call: more arguments of every call of a pipeline.
        batch: samples that go through the model at once; None for the subject's own.
    """

    model: str
    device: str = "cpu"
    dtype: str = "float32"
    prompts: Path | None = None
    data: Path | None = None
    size: tuple[int, int] | None = None
    call: Mapping[str, Any] = field(default_factory=dict)
    batch: int | None = None

    def load(self, metrics: Sequence[str] = ()) -> Subject:
        """Load the model; all that can be checked before is.

        Raises:
            SpecError: if there is no such model, device or dtype, or what it is asked for is missing or of no use.
        """
        check_device(self.device)
        if self.dtype not in DTYPES:
            raise SpecError(f"dtype={self.dtype!r} is not known. Allowed: {', '.join(DTYPES)}.")
        if self._of_zoo:
            find_model(self.model)
            self._refuse(prompts=self.prompts, data=self.data, size=self.size, call=self.call or None, batch=self.batch)
            return load_subject(self.model, self.device, metrics)
        if self.model.startswith(TIMM):
            self._refuse(prompts=self.prompts, size=self.size, call=self.call or None)
            return self._vision(_timm(self.model), metrics)
        if self._is_function:
            return self._made(metrics)
        self._refuse(data=self.data)
        prompts = self._prompts()
        return self._pipeline(_pipeline(self.model, self._dtype), prompts, metrics)

    def words(self) -> list[object]:
        """Return how a command says all but the model; of what was not given only the device."""
        size = "x".join(map(str, self.size)) if self.size else None
        dtype = None if self.dtype == "float32" else self.dtype
        given = {"prompts": self.prompts, "data": self.data, "size": size, "dtype": dtype, "batch": self.batch}
        named = [("device", self.device), *((name, value) for name, value in given.items() if value is not None)]
        named += [("call", f"{name}={json.dumps(value)}") for name, value in self.call.items()]
        return [word for name, value in named for word in (f"--{name}", value)]

    @property
    def _of_zoo(self) -> bool:
        known = [model.name for model in zoo_models()]
        return self.model in known or not (":" in self.model or "/" in self.model or Path(self.model).exists())

    @property
    def _is_function(self) -> bool:
        module, colon, name = self.model.partition(":")
        return bool(colon) and name.isidentifier() and all(part.isidentifier() for part in module.split("."))

    @property
    def _dtype(self) -> torch.dtype:
        dtype: torch.dtype = getattr(torch, self.dtype)
        return dtype

    def _made(self, metrics: Sequence[str]) -> Subject:
        """Return what a function of the user's makes, as a subject."""
        module, _, name = self.model.partition(":")
        try:
            made = getattr(importlib.import_module(module), name)()
        except (ImportError, AttributeError) as error:
            raise SpecError(f"--model {self.model}: {error}. Name a function that can be imported.") from error
        if isinstance(made, torch.nn.Module):
            return self._vision(made.to(self.device, self._dtype), metrics)
        if hasattr(made, "generate") and hasattr(made, "settings"):
            subject: Subject = made
            return subject
        return self._pipeline(made, self._prompts(), metrics)

    def _pipeline(self, pipe: Any, prompts: Sequence[Any], metrics: Sequence[str]) -> Subject:
        pipe.to(self.device)
        pipe.set_progress_bar_config(disable=True)
        size = dict(zip(("height", "width"), self.size, strict=True)) if self.size else {}
        more: dict[str, Any] = {**self.call, **size}
        return PipelineSubject(pipe, prompts, name=self.model, batch=self.batch or 1, metrics=metrics, **more)

    def _vision(self, model: torch.nn.Module, metrics: Sequence[str]) -> Subject:
        if self.data is None:
            raise SpecError(f"--model {self.model} looks at pictures: name them by --data, a folder or an .npz.")
        data = vision_data(self.data, model)
        model = model.to(self.device, self._dtype)
        features = getattr(model, "num_classes", 1) == 0
        return VisionSubject(
            model,
            data.pictures,
            None if features else data.labels,
            name=self.model,
            prepare=data.prepare,
            outputs="features" if features else "scores",
            batch=self.batch or 16,
            metrics=metrics,
        )

    def _prompts(self) -> Sequence[Any]:
        if self.prompts is None:
            raise SpecError(f"--model {self.model} draws what it is asked for: name a file of prompts by --prompts.")
        return read_prompts(self.prompts)

    def _refuse(self, **given: object) -> None:
        for name, value in given.items():
            if value is not None:
                raise SpecError(f"--{name} means nothing for --model {self.model}. Leave it out.")


def _timm(text: str) -> torch.nn.Module:
    """Make a model of timm, with its published weights or those of a file."""
    import timm
    from safetensors.torch import load_file

    name, _, file = text.removeprefix(TIMM).partition(":")
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('.')[0].split('_')[0]}*")[:5])
        raise SpecError(f"timm has no model {name!r}.{f' It has {near}, ...' if near else ''}")
    model: torch.nn.Module = timm.create_model(name, pretrained=not file)
    if file:
        try:
            model.load_state_dict(load_file(file))
        except (OSError, RuntimeError) as error:
            raise SpecError(f"{file} holds no weights of {name}: {' '.join(str(error).split())[:200]}") from error
    return model


def _pipeline(name: str, dtype: torch.dtype) -> Any:
    """Load a pipeline from a folder or the hub."""
    import diffusers

    folder = Path(name)
    if folder.is_dir() and not (folder / "model_index.json").exists():
        raise SpecError(
            f"{folder} is no pipeline: it has no model_index.json. Name a folder that save_pretrained wrote."
        )
    kind = diffusers.DiffusionPipeline
    if folder.is_dir():
        written = json.loads((folder / "model_index.json").read_text()).get("_class_name")
        kind = getattr(importlib.import_module(SAVED[written]), written) if written in SAVED else kind
    try:
        with no_bars(diffusers):
            return kind.from_pretrained(name, torch_dtype=dtype)
    except (OSError, ValueError, AttributeError) as error:
        raise SpecError(f"--model {name} cannot be loaded: {' '.join(str(error).split())[:300]}") from error
