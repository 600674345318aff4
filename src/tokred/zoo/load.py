"""Load a model of the zoo: checksum, then names and shapes, then the pipeline; nothing is ever unpickled."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse

from tokred.errors import WeightsError
from tokred.zoo.catalog import ZooModel, find_model, remedy

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


def load_model(name: str, device: str = "cpu", dtype: torch.dtype = torch.float32) -> DiffusionPipeline:
    """Load a trained model that comes with tokred, as the diffusers pipeline of its family.

    Args:
        name: one of the names that `zoo_models()` lists, such as "emoji-dit".
        device: where the model goes, such as "cuda".
        dtype: floating-point type that it computes in. The files hold half precision.

    Returns:
        A pipeline in evaluation mode: a `DiTPipeline` for family "dit".

    Raises:
        UnknownName: there is no such model (also a `SpecError`).
        WeightsError: its files are missing or corrupt.

    Example:
        >>> pipe = load_model("emoji-dit")
        >>> tiger = pipe(pipe.get_label_ids(["tiger"]), guidance_scale=1.0, num_inference_steps=30).images[0]
    """
    return load_pipeline(find_model(name), device, dtype)


def load_pipeline(model: ZooModel, device: str = "cpu", dtype: torch.dtype = torch.float32) -> DiffusionPipeline:
    """Load the model that lies in `model.folder`; see `load_model`."""
    from tokred.zoo.dit import dit_pipeline

    transformer = _build(model)
    transformer.load_state_dict(_fitting(read_weights(model), transformer, model))
    pipe = dit_pipeline(transformer.eval(), model.classes)
    for part in (pipe.transformer, pipe.vae):
        torch.nn.Module.to(part, device=device, dtype=dtype)  # diffusers' own `to` warns of parts kept in float32: none
    return pipe


def read_weights(model: ZooModel) -> dict[str, torch.Tensor]:
    """Read the tensors of `model`, in half precision, after their checksum.

    Raises:
        WeightsError: the file is missing, is not the one that was published, or holds no tensors.
    """
    path = model.folder / "weights.safetensors"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error}. {remedy(model.name)}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != model.sha256:
        raise WeightsError(f"{path} has SHA-256 {found}, published was {model.sha256}. {remedy(model.name)}")
    try:
        tensors: dict[str, torch.Tensor] = parse(content)
    except SafetensorError as error:
        raise WeightsError(f"{path} is no safetensors file: {error}. {remedy(model.name)}") from error
    return tensors


def _build(model: ZooModel) -> torch.nn.Module:
    from diffusers import DiTTransformer2DModel

    try:
        with torch.random.fork_rng(devices=[]):  # the random weights that it starts with are not kept
            transformer: torch.nn.Module = DiTTransformer2DModel(**model.config)
    except (TypeError, ValueError, NotImplementedError) as error:
        path = model.folder / "model.json"
        raise WeightsError(f"{path} has a config that its class refuses: {error}. {remedy(model.name)}") from error
    return transformer


def _fitting(
    weights: dict[str, torch.Tensor], transformer: torch.nn.Module, model: ZooModel
) -> dict[str, torch.Tensor]:
    expected = {name: tuple(tensor.shape) for name, tensor in transformer.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            path = model.folder / "weights.safetensors"
            wanted, given = expected.get(name, "no such tensor"), found.get(name, "no such tensor")
            raise WeightsError(f"{path}, {name!r}: the config asks for {wanted}, found {given}. {remedy(model.name)}")
    return weights
