import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import flow
import train
from flow import FlowTask
from tokred.zoo import ZooModel, vit

VIT = {"img_size": 8, "patch_size": 2, "in_chans": 1, "embed_dim": 16, "depth": 2, "num_heads": 2}
SETTINGS = {"train": {"warmup": 10, "cooldown": 0.25}, "phases": [{"steps": 30}, {"steps": 70}]}


def test_rate_warms_up_holds_and_cools_down() -> None:
    rates = [train.rate(step, SETTINGS) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10:76] == [1.0] * 66
    assert rates[75:] == pytest.approx([1 - i / 25 for i in range(25)])
    assert min(rates) > 0
    assert train.rate(100, SETTINGS) == 0


def test_phases_follow_each_other() -> None:
    phases = [train.phase_at(step, SETTINGS)["steps"] for step in range(100)]
    assert phases == [30] * 30 + [70] * 70


def test_average_moves_by_its_share() -> None:
    average, model = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    before = average.weight.clone()
    train.follow(average, model, decay=0.75)
    torch.testing.assert_close(average.weight, 0.75 * before + 0.25 * model.weight)


def test_muon_takes_the_matrices_inside_the_blocks() -> None:
    model = vit.build(VIT, ["dark", "light"])
    settings = {"lr": 1e-3, "weight_decay": 0.05}
    adamw, muon = train.make_optimisers(model, settings | {"muon": True})
    taken = {id(p) for group in muon.param_groups for p in group["params"]}
    names = {name for name, p in model.named_parameters() if id(p) in taken}
    of_a_block = {f"{layer}.weight" for layer in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")}
    assert names == {f"blocks.{i}.{name}" for i in range(2) for name in of_a_block}
    assert isinstance(muon, torch.optim.Muon)
    count = len(list(model.parameters()))
    assert len(adamw.param_groups[0]["params"]) == count - len(names)
    (alone,) = train.make_optimisers(model, settings)
    assert len(alone.param_groups[0]["params"]) == count


@pytest.mark.parametrize(
    ("able", "fast"),
    [({"avx512": True}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True, "avx512": True}, True)],
)
def test_bfloat16_is_used_where_the_processor_has_it(
    able: dict[str, bool], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert train.fast_in_bfloat16("cpu") is fast
    assert train.fast_in_bfloat16("cuda")


def start(config: Any, data: Any, out: Path, steps: int) -> train.Run:
    changed = config | {"phases": [{"steps": steps, "batch": 4, "size": 8}]}
    return train.Run(changed, FlowTask(changed, data), out, "cpu")


def test_resume_continues_at_the_step(config: Any, data: Any, tmp_path: Path) -> None:
    first = start(config, data, tmp_path, steps=3)
    first.train()
    second = start(config, data, tmp_path, steps=5)
    assert second.progress.step == 3
    for name, tensor in second.average.state_dict().items():
        assert torch.equal(tensor, first.average.state_dict()[name]), name
    assert second.optimisers[0].state_dict()["state"][0]["step"] == 3
    second.train()
    assert (second.progress.step, second.progress.seconds > first.progress.seconds) == (5, True)
    assert (tmp_path / "sheet.png").exists()


def test_loss_logged_after_a_resume_is_a_mean(
    config: Any, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(run: train.Run) -> float:
        run.progress.step += 1
        return 2.0

    monkeypatch.setattr(train.Run, "step", step)
    monkeypatch.setattr(train, "LOG_STEPS", 4)
    start(config, data, tmp_path, steps=6).train()
    resumed = start(config, data, tmp_path, steps=8)
    resumed.train()
    assert resumed.progress.losses == [(4, 2.0), (8, 2.0)]


def test_a_run_stops_after_the_step_that_passes_the_limit(
    config: Any, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0

    def step(run: train.Run) -> float:
        nonlocal clock
        clock += 40.0
        run.progress.step += 1
        return 2.0

    monkeypatch.setattr(train.Run, "step", step)
    monkeypatch.setattr(train.time, "perf_counter", lambda: clock)
    start(config, data, tmp_path, steps=6).train(minutes=1)
    assert start(config, data, tmp_path, steps=6).progress.step == 2


def test_loss_that_is_not_finite_stops_the_run(
    config: Any, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "flow_loss", lambda velocity, model, *_: next(model.parameters()).sum() * torch.nan)
    with pytest.raises(FloatingPointError, match="the loss became nan at step 1"):
        start(config, data, tmp_path, steps=2).train()


@pytest.fixture
def command(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `train.py tiny-dit` with a config and an array of its own, in a checkout of its own."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in config.items() if not isinstance(value, dict | list)]
    for section, values in config.items():
        if isinstance(values, dict):
            lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    for phase in config["phases"]:
        lines += ["[[phases]]", *(f"{key} = {json.dumps(value)}" for key, value in phase.items())]
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "tiny-dit.toml").write_text("\n".join(lines))
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    arrays: dict[str, Any] = {key: np.zeros(4, dtype=np.int64) for key in ("labels", "style")}
    arrays |= {"images": images, "emoji": np.arange(4), "zwj": np.zeros(4, dtype=bool), "split": np.array([0, 0, 0, 1])}
    arrays |= {"label_names": ["animal-mammal"], "styles": ["fluent-3d"], "emoji_names": ["fox", "bear", "cat", "owl"]}
    np.savez(tmp_path / "emoji64.npz", **arrays)
    monkeypatch.setattr(train, "HERE", tmp_path)
    monkeypatch.setattr(train, "ROOT", tmp_path)
    monkeypatch.setattr(train, "LOG_STEPS", 2)

    def run(*arguments: str) -> None:
        fixed = ["tiny-dit", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
        monkeypatch.setattr(sys, "argv", ["train.py", *fixed, *arguments])
        train.main()

    return run


def test_command_trains_and_exports(command: Any, tmp_path: Path) -> None:
    command()
    command("--export")
    model = ZooModel.read(tmp_path / "zoo" / "tokred_zoo" / "models" / "tiny-dit")
    assert (model.name, model.classes) == ("tiny-dit", ("fox", "bear", "cat"))
    record = json.loads((model.folder / "training.json").read_text())
    assert (record["steps"], record["pictures_seen"], record["data"]["pictures"]) == (6, 4 * 4 + 2 * 2, 3)


def test_nothing_trained_cannot_be_exported(command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command("--export")
    assert "holds no trained model yet; train for at least 2 steps first" in capsys.readouterr().err
    assert not (tmp_path / "zoo").exists()
