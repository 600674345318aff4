"""What models come with tokred: one folder each, described by its `model.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokred.errors import SpecError, UnknownName, WeightsError
from tokred.zoo.families import DRAWING, EDITING, FAMILIES, FILMING, drawing_family
from tokred.zoo.files import INSTALL, folder
from tokred.zoo.spread import asked

if TYPE_CHECKING:
    import torch
    from diffusers import DiffusionPipeline

MODELS = folder() / "models"
WEIGHTS = "weights.safetensors"
REFERENCES = "references.safetensors"
KINDS = {
    "name": str,
    "summary": str,
    "family": str,
    "adapts": str,
    "config": dict,
    "classes": list,
    "size": int,
    "steps": int,
    "guidance": float,
    "tokens": int,
    "parameters": int,
    "files": dict,
}


@dataclass(frozen=True)
class Files:
    """The files of a model.

    Attributes:
        folder: where they lie.
        sha256: of each binary file beside `model.json`, in hexadecimal.
    """

    folder: Path
    sha256: dict[str, str] = field(hash=False)


@dataclass(frozen=True)
class ZooModel:
    """A trained model that comes with tokred.

    Attributes:
        name: the name that `load_model` knows it by.
        summary: what it does, in one sentence.
        family: what kind of network it is: "dit", "sd3" and "flux" are diffusers' `DiTTransformer2DModel`,
            `SD3Transformer2DModel` and `FluxTransformer2DModel` in their pipelines, "kontext" the last one in
            `FluxKontextPipeline`; "wan" is `WanTransformer3DModel` in its pipeline; "vit" is timm's
            `VisionTransformer`.
        adapts: name of the model that the weights are an adapter of, a LoRA; "" of a whole model.
        config: keyword arguments of the network's class.
        classes: the name of each class, in order; of a prompted model, the prompts that it was trained on.
        size: height and width of a picture, in pixels.
        steps: number of denoising steps that it is meant to be sampled with; 1 for a classifier.
        guidance: guidance scale that it is meant to be sampled with; 1.0 is none.
        tokens: image tokens of one picture, with those of its reference if it has one.
        parameters: number of trained parameters; of an adapter, its own.
        files: where they lie, and what they hold.
    """

    name: str
    summary: str
    family: str
    adapts: str
    config: dict[str, Any] = field(repr=False, hash=False)
    classes: tuple[str, ...] = field(repr=False)
    size: int
    steps: int
    guidance: float
    tokens: int
    parameters: int
    files: Files = field(repr=False)

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.files.folder

    @property
    def draws(self) -> bool:
        """Whether it draws pictures; if not, it classifies them."""
        return self.family in DRAWING

    @property
    def films(self) -> bool:
        """Whether it draws clips."""
        return self.family in FILMING

    @classmethod
    def read(cls, folder: Path) -> ZooModel:
        """Read the model's description from `folder / "model.json"`.

        Raises:
            WeightsError: the file is missing or does not hold what it should.
        """
        path = folder / "model.json"
        try:
            entries = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise WeightsError(f"{path} cannot be read: {error}. {remedy(folder.name)}") from error
        if not isinstance(entries, dict) or {key: type(value) for key, value in entries.items()} != KINDS:
            wanted = ", ".join(f"{key} ({kind.__name__})" for key, kind in KINDS.items())
            raise WeightsError(f"{path} must hold exactly {wanted}. {remedy(folder.name)}")
        if entries["family"] not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise WeightsError(f"{path} has family {entries['family']!r}. Known: {known}. {remedy(folder.name)}")
        files = Files(folder, entries["files"])
        return cls(**dict(entries, classes=tuple(entries["classes"]), files=files))

    def check_draws(self) -> None:
        """Raise `SpecError` unless the model draws."""
        if not self.draws:
            drawing = ", ".join(model.name for model in zoo_models() if model.draws)
            raise SpecError(f"{self.name!r} does not draw: it is a classifier. Models that draw: {drawing}.")

    def generate(self, pipe: DiffusionPipeline, seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Draw one picture for each seed.

        Picture i is drawn by a generator of its own, seeded with `seeds[i]`, and shows the class or prompt that this
        seed stands for, see `tokred.zoo.spread.asked`: seeds in a row show different ones, spread evenly. A picture
        does not depend on what else is in the batch; only how matrix products are rounded may change with `B`.

        Args:
            pipe: the pipeline that `load_model` returned for this model, reduced or not.
            seeds: any integers, `B` of them, at least one.
            steps: number of denoising steps, at least 1; `self.steps` is what the model is meant for.

        Returns:
            Pictures `[B, 3, H, W]` or clips `[B, F, 3, H, W]` in [0, 1], float32, on the CPU.

        Raises:
            SpecError: there are no seeds, `steps` is less than 1, or the model does not draw.
        """
        return self.draw(pipe, asked(self.classes, seeds), seeds, steps)

    def draw(self, pipe: DiffusionPipeline, names: Sequence[str], seeds: Sequence[int], steps: int) -> torch.Tensor:
        """Draw a picture of each of `names`, classes or prompts, with the generator of each seed; see `generate`.

        Raises:
            SpecError: likewise, or the model does not know a name.
        """
        from tokred.zoo.draw import draw

        self.check_draws()
        request = drawing_family(self.family).request(pipe, names)
        if self.family in EDITING:
            request["image"] = self.references(seeds)
        return draw(pipe, request, seeds, steps, self.guidance)

    def references(self, seeds: Sequence[int]) -> torch.Tensor:
        """Return the picture that each seed edits, `[B, 3, H, W]` in [-1, 1]; of a model that edits.

        Raises:
            WeightsError: the file of references is missing or corrupt.
        """
        from tokred.zoo.load import read_tensors

        images = read_tensors(self, REFERENCES)["images"]
        return images[[seed % len(images) for seed in seeds]] / 127.5 - 1


def zoo_models() -> list[ZooModel]:
    """List the models that come with tokred, by name, without loading any.

    Raises:
        WeightsError: the description of one of them is missing or corrupt.
    """
    return [find_model(name) for name in _names()]


def find_model(name: str) -> ZooModel:
    """Look up the model called `name`.

    Raises:
        UnknownName: there is no such model.
        WeightsError: its description is missing or corrupt, or no model is installed.
    """
    if not _names():
        raise WeightsError(f"No trained models are installed. {INSTALL}")
    if name not in _names():
        raise UnknownName("zoo model", name, _names())
    model = ZooModel.read(MODELS / name)
    if model.name != name:
        raise WeightsError(f"{model.folder / 'model.json'} describes {model.name!r}, not {name!r}. {remedy(name)}")
    return model


def remedy(name: str) -> str:
    """Say how to get the files of the model called `name` back."""
    return (
        "Reinstall tokred-zoo (pip install --force-reinstall ./zoo), or export the model again: "
        f"python benchmarks/zoo/train.py {name} --data DIR --out DIR --export"
    )


def _names() -> list[str]:
    return sorted(path.name for path in MODELS.glob("*") if path.is_dir())
