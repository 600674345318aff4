"""Load a model of the zoo: checksum, then names and shapes, then the pipeline; nothing is ever unpickled."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse

from tokred.errors import WeightsError
from tokred.zoo.adapter import adapted
from tokred.zoo.catalog import WEIGHTS, ZooModel, find_model, remedy
from tokred.zoo.families import drawing_family, family

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


def load_model(
    name: str, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> DiffusionPipeline | torch.nn.Module:
    """Load a trained model that comes with tokred.

    Args:
        name: one of the names that `zoo_models()` lists, such as "emoji-dit".
        device: where the model goes, such as "cuda".
        dtype: floating-point type that it computes in. The files hold half precision.

    Returns:
        In evaluation mode, a diffusers pipeline (`DiTPipeline`, or one that takes a prompt's words:
        `StableDiffusion3Pipeline`, `FluxPipeline`, `FluxKontextPipeline`, `WanPipeline`) or, for a classifier, timm's
        `VisionTransformer`.

    Raises:
        UnknownName: there is no such model (also a `SpecError`).
        WeightsError: its files are missing or corrupt, or those of the model that it adapts.

    Examples:
        >>> pipe = load_model("emoji-dit")
        >>> tiger = pipe(pipe.get_label_ids(["tiger"]), guidance_scale=1.0, num_inference_steps=30).images[0]
    """
    return load(find_model(name), device, dtype)


def load(
    model: ZooModel, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> DiffusionPipeline | torch.nn.Module:
    """Load the model that lies in `model.folder`; see `load_model`."""
    network = _build(model)
    network.load_state_dict(_whole_weights(network, model))
    network.eval()
    if not model.draws:
        return network.to(device=device, dtype=dtype)
    pipe = drawing_family(model.family).pipeline(network, model.classes, model.size)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):  # diffusers' own `to` warns of parts kept in float32: there are none
            torch.nn.Module.to(part, device=device, dtype=dtype)
    return pipe


def read_tensors(model: ZooModel, file: str) -> dict[str, torch.Tensor]:
    """Read the tensors of one of `model.files`, after its checksum.

    Raises:
        WeightsError: the file is missing, is not the one that was published, or holds no tensors.
    """
    path = model.folder / file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error}. {remedy(model.name)}") from error
    found, published = hashlib.sha256(content).hexdigest(), model.files.sha256.get(file)
    if found != published:
        raise WeightsError(f"{path} has SHA-256 {found}, published was {published}. {remedy(model.name)}")
    try:
        tensors: dict[str, torch.Tensor] = parse(content)
    except SafetensorError as error:
        raise WeightsError(f"{path} is not a safetensors file: {error}. {remedy(model.name)}") from error
    return tensors


def _whole_weights(network: torch.nn.Module, model: ZooModel) -> dict[str, torch.Tensor]:
    """Read the weights of a whole model, or of the one that `model` adapts, with the adapter added."""
    if not model.adapts:
        return _fitting(read_tensors(model, WEIGHTS), network, model)
    whole = find_model(model.adapts)
    weights, factors = _fitting(read_tensors(whole, WEIGHTS), network, whole), read_tensors(model, WEIGHTS)
    try:
        return _fitting(adapted(weights, factors), network, model)
    except (KeyError, RuntimeError) as error:
        path = model.folder / WEIGHTS
        raise WeightsError(f"{path} is no adapter of {model.adapts!r}: {error}. {remedy(model.name)}") from error


def _build(model: ZooModel) -> torch.nn.Module:
    try:
        with torch.random.fork_rng(devices=[]):  # the random weights that it starts with are not kept
            return family(model.family).build(model.config, model.classes)
    except (KeyError, TypeError, ValueError, NotImplementedError) as error:
        path = model.folder / "model.json"
        raise WeightsError(f"{path} has a config that its class refuses: {error}. {remedy(model.name)}") from error


def _fitting(weights: dict[str, torch.Tensor], network: torch.nn.Module, model: ZooModel) -> dict[str, torch.Tensor]:
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            path = model.folder / WEIGHTS
            wanted, given = expected.get(name, "no such tensor"), found.get(name, "no such tensor")
            raise WeightsError(f"{path}, {name!r}: the config asks for {wanted}, found {given}. {remedy(model.name)}")
    return weights
