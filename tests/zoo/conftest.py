import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DiTTransformer2DModel

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "zoo"))

from data import LabelledImages
from export import Places, export_model
from flow import FlowTask
from tokred.zoo import catalog

NAME = "tiny-dit"


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    """What `configs/tiny-dit.toml` would hold."""
    return {
        "family": "dit",
        "summary": "A tiny one.",
        "notice": "fluent-3d",
        "seed": 3,
        "data": {"array": "emoji64.npz", "style": "fluent-3d", "labels": ["animal-mammal"], "mirror": True},
        "model": {
            "num_attention_heads": 2,
            "attention_head_dim": 8,
            "num_layers": 2,
            "sample_size": 8,
            "patch_size": 2,
            "in_channels": 3,
            "out_channels": 3,
        },
        "train": {
            "lr": 1e-3,
            "warmup": 2,
            "cooldown": 0.5,
            "ema": 0.9,
            "weight_decay": 0.01,
        },
        "phases": [{"steps": 4, "batch": 4, "size": 4}, {"steps": 2, "batch": 2, "size": 8}],
        "sampling": {"steps": 3, "guidance": 1.0},
    }


@pytest.fixture(scope="session")
def data() -> LabelledImages:
    images = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return LabelledImages(images, torch.arange(5), ["fox", "bear", "tiger", "cat", "owl"], mirror=True)


@pytest.fixture(scope="session")
def facts() -> dict[str, Any]:
    """What `Run.facts` would say."""
    losses = [(50 * i, 2.0 / i) for i in range(1, 13)]
    versions = {"python": "3.99", "torch": "9.9"}
    run = {"steps": 600, "pictures_seen": 2400, "seconds": 3900, "losses": losses}
    return run | {"parameters": 1234, "device": "7 abacuses", "versions": versions}


@pytest.fixture(scope="session")
def network(config: dict[str, Any]) -> DiTTransformer2DModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return DiTTransformer2DModel(**config["model"], num_embeds_ada_norm=5).eval()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, config: Any, data: Any, facts: Any, network: Any) -> Path:
    """A folder with the exported tiny model; not to be changed."""
    places = Places.of(tmp_path_factory.mktemp("exported"), NAME)
    export_model(NAME, FlowTask(config, data), network, config, facts, places)
    return places.package


@pytest.fixture
def zoo(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo that holds a copy of the tiny model alone; its folder, free to be damaged."""
    shutil.copytree(exported, tmp_path / "models" / NAME)
    monkeypatch.setattr(catalog, "MODELS", tmp_path / "models")
    return tmp_path / "models" / NAME
