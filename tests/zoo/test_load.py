import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from tokred.errors import WeightsError
from tokred.zoo import load_model

NAME = "tiny-dit"
Weights = dict[str, torch.Tensor]


def publish(folder: Path, content: bytes) -> None:
    """Put `content` in place of the weights, with a checksum that fits."""
    (folder / "weights.safetensors").write_bytes(content)
    entries = json.loads((folder / "model.json").read_text())
    entries["files"]["weights.safetensors"] = hashlib.sha256(content).hexdigest()
    (folder / "model.json").write_text(json.dumps(entries))


@pytest.mark.usefixtures("zoo")
def test_loads_the_half_precision_weights_bit_for_bit(network: torch.nn.Module) -> None:
    loaded, original = load_model(NAME).transformer.state_dict(), network.state_dict()
    assert loaded.keys() == original.keys()
    for name, tensor in loaded.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, original[name].half().float()), name


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float64])
def test_dtype_reaches_every_part(precision: torch.dtype) -> None:
    pipe = load_model(NAME, dtype=precision)
    tensors = [*pipe.transformer.parameters(), *pipe.transformer.buffers(), *pipe.vae.buffers()]
    assert {tensor.dtype for tensor in tensors} == {precision}


@pytest.mark.usefixtures("zoo")
def test_pipeline_is_ready_to_sample() -> None:
    pipe = load_model(NAME)
    assert not pipe.transformer.training
    assert pipe.get_label_ids(["owl", "fox"]) == [4, 0]


@pytest.mark.usefixtures("zoo")
def test_loading_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    load_model(NAME)
    assert torch.equal(torch.get_rng_state(), before)


def test_missing_weights_are_refused(zoo: Path) -> None:
    (zoo / "weights.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"weights\.safetensors cannot be read: .*No such file.*Reinstall tokred"):
        load_model(NAME)


def test_one_wrong_bit_is_refused(zoo: Path) -> None:
    content = bytearray((zoo / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (zoo / "weights.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=r"has SHA-256 [0-9a-f]{64}, published was [0-9a-f]{64}\. Reinstall tokred"):
        load_model(NAME)


def without(weights: Weights) -> Weights:
    return {name: tensor for name, tensor in weights.items() if name != "proj_out_2.bias"}


def flattened(weights: Weights) -> Weights:
    return weights | {"proj_out_2.weight": weights["proj_out_2.weight"].flatten()}


def extended(weights: Weights) -> Weights:
    return weights | {"surprise": torch.zeros(1)}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without, r"'proj_out_2\.bias': the config asks for \(12,\), found no such tensor\. Reinstall"),
        (flattened, r"'proj_out_2\.weight': the config asks for \(12, 16\), found \(192,\)\. Reinstall"),
        (extended, r"'surprise': the config asks for no such tensor, found \(1,\)\. Reinstall"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(zoo: Path, damage: Callable[[Weights], Weights], message: str) -> None:
    publish(zoo, save(damage(load_file(zoo / "weights.safetensors"))))
    with pytest.raises(WeightsError, match=message):
        load_model(NAME)


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return (Path.touch, (self.path,))


def test_pickle_is_refused_and_not_run(zoo: Path, tmp_path: Path) -> None:
    publish(zoo, pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(WeightsError, match="is not a safetensors file: .*Reinstall"):
        load_model(NAME)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("changes", [{"layers": 2}, {"norm_type": "layer_norm"}, {"patch_size": None}])
def test_config_that_the_class_refuses_is_refused(zoo: Path, changes: dict[str, object]) -> None:
    entries = json.loads((zoo / "model.json").read_text())
    entries["config"] |= changes
    (zoo / "model.json").write_text(json.dumps(entries))
    with pytest.raises(WeightsError, match=r"model\.json has a config that its class refuses: .*Reinstall"):
        load_model(NAME)
