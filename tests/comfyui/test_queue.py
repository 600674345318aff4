"""Whole workflows in ComfyUI's own queue, with its own nodes and tokred's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import execution
import folder_paths
import nodes
import pytest
import torch
from comfy_tiny import FLUX, SDXL, draw

import tokred_comfy
from tokred_comfy.patching import drawn_with
from tokred_comfy.pictures import CELL

ROOT = Path(folder_paths.__file__).parent
WORKFLOWS = sorted((Path(tokred_comfy.__file__).parent / "example_workflows").glob("*.json"))
KEPT: dict[str, Any] = {}
"""What the last queue run gave to each `Keep`."""


class Loader:
    """Stands for a checkpoint loader: one model, which all branches share."""

    RETURN_TYPES = ("MODEL", "CONDITIONING", "CONDITIONING", "LATENT")
    FUNCTION, CATEGORY = "load", ""
    tinies = {"flux": FLUX, "sdxl": SDXL}  # noqa: RUF012

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {"required": {"name": (list(cls.tinies),)}}

    def load(self, name: str) -> tuple[Any, ...]:
        tiny = self.tinies[name]
        return tiny.patcher(), tiny.conditions(2), tiny.conditions(3), {"samples": tiny.empty()}


class Keep:
    """Keeps a latent for the test."""

    RETURN_TYPES, OUTPUT_NODE = (), True
    FUNCTION, CATEGORY = "keep", ""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {"required": {"latent": ("LATENT",), "name": ("STRING", {})}}

    def keep(self, latent: dict[str, Any], name: str) -> dict[str, Any]:
        KEPT[name] = latent["samples"]
        return {}


class Server:
    """What the queue tells its server."""

    def __init__(self) -> None:
        self.client_id, self.last_node_id, self.last_prompt_id = "test", None, None
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def send_sync(self, event: Any, data: Any, client: Any = None) -> None:
        self.sent.append((event, data))

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


@pytest.fixture(autouse=True, scope="module")
def with_nodes() -> Iterator[None]:
    before = dict(nodes.NODE_CLASS_MAPPINGS)
    folder = Path(tokred_comfy.__file__).parent
    assert asyncio.run(nodes.load_custom_node(str(folder))), "ComfyUI loads the folder as it loads custom nodes"
    for file in ("nodes_flux", "nodes_sd3", "nodes_model_advanced", "nodes_hunyuan", "nodes_video"):
        asyncio.run(nodes.load_custom_node(str(ROOT / f"comfy_extras/{file}.py"), module_parent="comfy_extras"))
    nodes.NODE_CLASS_MAPPINGS.update({"Loader": Loader, "Keep": Keep})
    yield
    nodes.NODE_CLASS_MAPPINGS.clear()
    nodes.NODE_CLASS_MAPPINGS.update(before)


def queue(prompt: dict[str, Any], executor: Any = None) -> tuple[list[tuple[str, Any]], bool]:
    """Run a prompt as the server does; return what it was told, and whether all went well."""
    KEPT.clear()
    valid, _error, outputs, _node_errors = asyncio.run(execution.validate_prompt("1", prompt, None))
    assert valid
    executor = executor or execution.PromptExecutor(Server(), cache_args={"lru": 0, "ram": 0, "ram_inactive": 0})
    executor.server.sent.clear()
    executor.execute(prompt, "1", {"client_id": "test"}, outputs)
    return executor.server.sent, executor.success


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def sampling(model: list[Any], name: str, steps: int = 20) -> dict[str, Any]:
    """Return a sampler and what keeps its latent."""
    drawn = node(
        "KSampler",
        model=model,
        positive=["load", 1],
        negative=["load", 2],
        latent_image=["load", 3],
        seed=1,
        steps=steps,
        cfg=3.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=1.0,
    )
    return {f"draw {name}": drawn, f"keep {name}": node("Keep", latent=[f"draw {name}", 0], name=name)}


def speed_up(method: str = "balanced", strength: float = 1.0) -> dict[str, Any]:
    return node("TokredSpeedUp", model=["load", 0], method=method, strength=strength, start=0.0, end=1.0)


LOAD = {"load": node("Loader", name="flux")}
FASTER = {"faster": speed_up(), **sampling(["faster", 0], "faster")}
PLAIN = sampling(["load", 0], "plain")


def test_two_branches_from_one_loader_equal_their_own_runs_in_either_order() -> None:
    model = FLUX.patcher()
    plain = draw(FLUX, model)
    for prompt in ({**LOAD, **FASTER, **PLAIN}, {**LOAD, **PLAIN, **FASTER}):
        _, well = queue(prompt)
        assert well
        assert torch.equal(KEPT["plain"], plain)
        both = KEPT["faster"]
        queue({**LOAD, **FASTER})
        assert torch.equal(KEPT["faster"], both)
        assert not torch.equal(both, plain)


def test_no_strength_and_a_removed_node_are_bit_identical() -> None:
    executor = execution.PromptExecutor(Server(), cache_args={"lru": 0, "ram": 0, "ram_inactive": 0})
    queue({**LOAD, **FASTER, **PLAIN}, executor)
    plain = KEPT["plain"]
    queue({**LOAD, "faster": speed_up(strength=0.0), **sampling(["faster", 0], "faster", 20)}, executor)
    assert torch.equal(KEPT["faster"], plain)
    queue({**LOAD, **sampling(["load", 0], "later", 20)}, executor)
    assert KEPT == {} or torch.equal(KEPT["later"], plain)


def test_a_second_sampler_begins_anew() -> None:
    chained = sampling(["faster", 0], "again", 10)
    chained["draw again"]["inputs"] |= {"latent_image": ["draw faster", 0], "denoise": 0.6}
    queue({**LOAD, **FASTER, **chained})
    first, second = KEPT["faster"], KEPT["again"]
    queue({**LOAD, **FASTER})
    assert torch.equal(KEPT["faster"], first)
    assert second.isfinite().all()


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (speed_up("tomesd"), "Flux has no site of kind attn."),
        (node("TokredSpeedUp", model=["faster", 0], method="fast", strength=1.0, start=0.0, end=1.0), "already"),
        (node("TokredMethod", model=["load", 0], method="step_cache", **{"method.interval": 1}), "at least 2"),
        (node("TokredSpeedUp", model=["load", 0], method="fast", strength=1.0, start=0.6, end=0.5), "must be below"),
    ],
    ids=["method that cannot", "sped up twice", "value out of range", "empty part"],
)
def test_a_node_that_cannot_says_so_in_a_sentence_and_the_other_branch_runs(bad: dict[str, Any], why: str) -> None:
    prompt = {**LOAD, "bad": bad, **sampling(["bad", 0], "bad"), **FASTER, **PLAIN}
    _fill(prompt)
    sent, _ = queue(prompt)
    assert set(KEPT) == {"faster", "plain"}
    errors = [data["exception_message"] for event, data in sent if event == "execution_error"]
    assert len(errors) == 1
    assert why in errors[0]
    assert errors[0].count(". ") == 0
    shown = [data["output"]["text"] for event, data in sent if event == "executed" and data["node"] == "bad"]
    assert shown
    assert why in shown[0][0]


def _fill(prompt: dict[str, Any]) -> None:
    """Give the widgets of a method node that the test does not name their defaults, as the editor does."""
    for each in prompt.values():
        if each["class_type"] == "TokredMethod":
            options = nodes.NODE_CLASS_MAPPINGS["TokredMethod"].INPUT_TYPES()["required"]["method"][1]["options"]
            chosen = next(option for option in options if option["key"] == each["inputs"]["method"])
            for name, (_, details) in chosen["inputs"]["required"].items():
                each["inputs"].setdefault(f"method.{name}", details["default"])


@pytest.mark.parametrize("method", ["balanced", "dito", "tomesd", "step_cache", "delta"])
def test_the_method_node_has_every_parameter_and_its_defaults_are_the_methods(method: str) -> None:
    import inspect

    from tokred.registry import components

    prompt = {
        "load": node("Loader", name="sdxl"),
        "one": node("TokredMethod", model=["load", 0], method=method),
        **sampling(["one", 0], "one", 8),
        "other": speed_up(method),
        **sampling(["other", 0], "other", 8),
    }
    _fill(prompt)
    factory = next(each.load() for each in components("method") if each.component.name == method)
    named = {name.removeprefix("method.") for name in prompt["one"]["inputs"] if name.startswith("method.")}
    assert named == set(inspect.signature(factory).parameters)
    _, well = queue(prompt)
    assert well
    assert torch.equal(KEPT["one"], KEPT["other"])


def test_the_report_says_what_was_computed_and_shows_it() -> None:
    executor = execution.PromptExecutor(Server(), cache_args={"lru": 0, "ram": 0, "ram_inactive": 0})
    report = node("TokredReport", model=["faster", 0], latent=["draw faster", 0])
    sent, well = queue({**LOAD, **FASTER, "report": report}, executor)
    assert well
    (text,) = [data["output"]["text"][0] for event, data in sent if event == "executed" and data["node"] == "report"]
    assert "balanced on Flux, generation 1" in text
    assert "(45.0%)" in text


@pytest.mark.parametrize(
    ("tiny", "method", "size", "light"), [(FLUX, "balanced", (1, 20), 0.45), (SDXL, "tomesd", (8, 6), 0.5)]
)
def test_the_picture_shows_steps_or_tokens(tiny: Any, method: str, size: tuple[int, int], light: float) -> None:
    speed, report = (tokred_comfy.NODE_CLASS_MAPPINGS[name] for name in ("TokredSpeedUp", "TokredReport"))
    faster = speed.execute(tiny.patcher(), method, 1.0, 0.0, 1.0)[0]
    latent = {"samples": draw(tiny, faster)}
    passed, text, picture = report.execute(faster, latent).args
    assert passed is latent
    assert text == drawn_with(faster).text
    assert picture.shape == (1, size[0] * CELL, size[1] * CELL, 3)
    assert picture.mean().item() == pytest.approx(light, abs=0.01)


def test_a_report_of_a_model_that_is_not_sped_up_or_not_drawn_with() -> None:
    report = tokred_comfy.NODE_CLASS_MAPPINGS["TokredReport"]
    assert "not sped up" in report.execute(FLUX.patcher(), {}).block_execution
    faster = tokred_comfy.NODE_CLASS_MAPPINGS["TokredSpeedUp"].execute(FLUX.patcher(), "fast", 1.0, 0.0, 1.0)[0]
    assert report.execute(faster, {})[1] == "Nothing was drawn with this model yet."


def prompt_of(workflow: dict[str, Any]) -> dict[str, Any]:
    """Turn a workflow as the editor saves it into what it sends to the queue."""
    links = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    prompt = {}
    for each in workflow["nodes"]:
        kinds = nodes.NODE_CLASS_MAPPINGS[each["type"]].INPUT_TYPES()
        inputs = {given["name"]: links[given["link"]] for given in each["inputs"]}
        known = {**kinds.get("required", {}), **kinds.get("optional", {})}
        widgets = [name for name in known if name not in inputs]
        values = [value for value in each["widgets_values"] if value != "fixed"]  # of the editor: what follows a seed
        assert len(values) <= len(widgets), (each["type"], widgets)
        prompt[str(each["id"])] = node(each["type"], **inputs, **dict(zip(widgets, values, strict=False)))
    return prompt


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_example_workflows_load(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = json.loads(path.read_text())
    files = [value for each in workflow["nodes"] for value in each["widgets_values"] if str(value).endswith("tensors")]
    monkeypatch.setattr(folder_paths, "get_filename_list", lambda folder: files)
    prompt = prompt_of(workflow)
    _fill(prompt)
    valid, error, outputs, errors = asyncio.run(execution.validate_prompt("1", prompt, None))
    assert valid, (error, errors)
    assert not errors
    assert len(outputs) == 2  # what saves, and the report


def test_there_are_three() -> None:
    assert len(WORKFLOWS) == 3


def test_comfyui_reads_what_its_registry_is_told() -> None:
    from comfy_config.config_parser import extract_node_configuration

    config = extract_node_configuration(str(Path(tokred_comfy.__file__).parent))
    assert config is not None
    assert config.project.name == "tokred-comfy"
    assert config.tool_comfy.publisher_id == config.tool_comfy.display_name == "tokred"
