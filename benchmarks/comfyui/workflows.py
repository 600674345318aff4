"""Write ComfyUI's example workflows, and draw the first one for the README of the nodes.

python benchmarks/comfyui/workflows.py
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "adapters/tokred_comfy"
Source = tuple[str, int]
"""A node, and which of its outputs."""


@dataclass(frozen=True)
class Node:
    """A node of a workflow.

    Attributes:
        kind: ComfyUI's name of its class.
        place: column and row in the picture.
        outputs: types of what it returns.
        inputs: name and type of each input that is connected, with where it comes from.
        widgets: values of its widgets, in order.
        title: what it is called where that is not its class.
    """

    kind: str
    place: tuple[float, float]
    outputs: tuple[str, ...] = ()
    inputs: dict[str, tuple[str, Source]] = field(default_factory=dict)
    widgets: tuple[Any, ...] = ()
    title: str = ""


Graph = dict[str, Node]


def sampler(
    model: str, positive: Source, negative: Source, latent: Source, place: tuple[float, float], *how: Any
) -> Node:
    """Return a KSampler; `how` is its steps, guidance, sampler, schedule and share of denoising."""
    inputs = {
        "model": ("MODEL", (model, 0)),
        "positive": ("CONDITIONING", positive),
        "negative": ("CONDITIONING", negative),
        "latent_image": ("LATENT", latent),
    }
    return Node("KSampler", place, ("LATENT",), inputs, (1, "fixed", *how))


def speed_up(model: str, place: tuple[float, float], method: str) -> Node:
    """Return a node that speeds a model up by a method at its usual strength."""
    return Node("TokredSpeedUp", place, ("MODEL",), {"model": ("MODEL", (model, 0))}, (method, 1.0, 0.0, 1.0))


def report(model: str, latent: str, place: tuple[float, float]) -> Node:
    """Return a node that says what a sampler computed."""
    inputs = {"model": ("MODEL", (model, 0)), "latent": ("LATENT", (latent, 0))}
    return Node("TokredReport", place, ("LATENT", "STRING", "IMAGE"), inputs)


def text(clip: Source, words: str, place: tuple[float, float]) -> Node:
    """Return a prompt."""
    return Node("CLIPTextEncode", place, ("CONDITIONING",), {"clip": ("CLIP", clip)}, (words,))


def decoded(latent: str, vae: Source, place: tuple[float, float]) -> Node:
    """Return what makes pixels of a latent."""
    return Node("VAEDecode", place, ("IMAGE",), {"samples": ("LATENT", (latent, 0)), "vae": ("VAE", vae)})


def saved(place: tuple[float, float], name: str) -> Node:
    """Return what saves pictures."""
    return Node("SaveImage", place, (), {"images": ("IMAGE", ("decode", 0))}, (name,))


WORDS = "a lighthouse on a cliff at dusk, its beam over a calm sea, photograph"
FLUX: Graph = {
    "model": Node("UNETLoader", (0, 0), ("MODEL",), {}, ("flux1-dev.safetensors", "default")),
    "clip": Node(
        "DualCLIPLoader", (0, 1), ("CLIP",), {}, ("t5xxl_fp16.safetensors", "clip_l.safetensors", "flux", "default")
    ),
    "vae": Node("VAELoader", (0, 2), ("VAE",), {}, ("ae.safetensors",)),
    "faster": speed_up("model", (1, 0), "balanced"),
    "prompt": text(("clip", 0), WORDS, (1, 1)),
    "guided": Node(
        "FluxGuidance", (2, 0.9), ("CONDITIONING",), {"conditioning": ("CONDITIONING", ("prompt", 0))}, (3.5,)
    ),
    "none": Node("ConditioningZeroOut", (2, 1.6), ("CONDITIONING",), {"conditioning": ("CONDITIONING", ("prompt", 0))}),
    "empty": Node("EmptySD3LatentImage", (2, 2.2), ("LATENT",), {}, (1024, 1024, 1)),
    "draw": sampler("faster", ("guided", 0), ("none", 0), ("empty", 0), (3, 0), 20, 1.0, "euler", "simple", 1.0),
    "report": report("faster", "draw", (4, 0)),
    "decode": decoded("report", ("vae", 0), (5, 0.6)),
    "save": saved((6, 0.6), "tokred_flux"),
}
SDXL: Graph = {
    "model": Node("CheckpointLoaderSimple", (0, 0), ("MODEL", "CLIP", "VAE"), {}, ("sd_xl_base_1.0.safetensors",)),
    "faster": speed_up("model", (1, 0), "balanced"),
    "prompt": text(("model", 1), WORDS, (1, 1)),
    "unwanted": text(("model", 1), "blurry, low quality", (1, 2)),
    "empty": Node("EmptyLatentImage", (2, 2), ("LATENT",), {}, (1024, 1024, 1)),
    "draw": sampler(
        "faster", ("prompt", 0), ("unwanted", 0), ("empty", 0), (2, 0), 25, 6.0, "dpmpp_2m_sde", "karras", 1.0
    ),
    "larger": Node(
        "LatentUpscaleBy", (3, 1.6), ("LATENT",), {"samples": ("LATENT", ("draw", 0))}, ("nearest-exact", 1.5)
    ),
    "detail": Node(
        "TokredMethod", (3, 0), ("MODEL",), {"model": ("MODEL", ("model", 0))}, ("quality",), "tokred: method"
    ),
    "redraw": sampler(
        "detail", ("prompt", 0), ("unwanted", 0), ("larger", 0), (4, 0), 20, 6.0, "dpmpp_2m_sde", "karras", 0.5
    ),
    "report": report("detail", "redraw", (5, 0)),
    "decode": decoded("report", ("model", 2), (5, 1.2)),
    "save": saved((6, 0), "tokred_sdxl"),
}
WAN: Graph = {
    "model": Node("UNETLoader", (0, 0), ("MODEL",), {}, ("wan2.1_t2v_1.3B_fp16.safetensors", "default")),
    "clip": Node("CLIPLoader", (0, 1), ("CLIP",), {}, ("umt5_xxl_fp8_e4m3fn_scaled.safetensors", "wan", "default")),
    "vae": Node("VAELoader", (0, 2), ("VAE",), {}, ("wan_2.1_vae.safetensors",)),
    "shifted": Node("ModelSamplingSD3", (1, 0), ("MODEL",), {"model": ("MODEL", ("model", 0))}, (8.0,)),
    "faster": speed_up("shifted", (2, 0), "balanced"),
    "prompt": text(("clip", 0), "a fox runs through deep snow, the camera follows it", (1, 1)),
    "unwanted": text(("clip", 0), "static, blurry, low quality", (1, 2)),
    "empty": Node("EmptyHunyuanLatentVideo", (2, 2), ("LATENT",), {}, (832, 480, 33, 1)),
    "draw": sampler("faster", ("prompt", 0), ("unwanted", 0), ("empty", 0), (3, 0), 30, 6.0, "uni_pc", "simple", 1.0),
    "report": report("faster", "draw", (4, 0)),
    "decode": decoded("report", ("vae", 0), (4, 1.2)),
    "video": Node("CreateVideo", (5, 0), ("VIDEO",), {"images": ("IMAGE", ("decode", 0))}, (16.0,)),
    "save": Node("SaveVideo", (6, 0), (), {"video": ("VIDEO", ("video", 0))}, ("tokred_wan", "auto", "auto")),
}
WORKFLOWS = {"flux_text_to_image": FLUX, "sdxl_hires_fix": SDXL, "wan_text_to_video": WAN}
TITLES = {"TokredSpeedUp": "tokred: speed up", "TokredMethod": "tokred: method", "TokredReport": "tokred: report"}
COLUMN, ROW, WIDTH, HEIGHT = 340, 230, 290, 180
"""Of a node in the editor, in pixels."""
WIDE, HIGH = 0.78, 0.46
"""Of a node in the picture, in columns and rows."""


def written(graph: Graph) -> dict[str, Any]:
    """Return a workflow as ComfyUI's editor saves it."""
    numbers = {name: number for number, name in enumerate(graph, 1)}
    links: list[list[Any]] = []
    for name, node in graph.items():
        for place, (kind, (source, output)) in enumerate(node.inputs.values()):
            links.append([len(links) + 1, numbers[source], output, numbers[name], place, kind])
    nodes = [_node(numbers[name], node, links) for name, node in graph.items()]
    return {
        "last_node_id": len(nodes),
        "last_link_id": len(links),
        "nodes": nodes,
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


def _node(number: int, node: Node, links: list[list[Any]]) -> dict[str, Any]:
    into = {link[4]: link[0] for link in links if link[3] == number}
    outof = [[link[0] for link in links if link[1:3] == [number, output]] for output in range(len(node.outputs))]
    column, row = node.place
    return {
        "id": number,
        "type": node.kind,
        "pos": [column * COLUMN, row * ROW],
        "size": [WIDTH, HEIGHT],
        "flags": {},
        "order": number - 1,
        "mode": 0,
        "inputs": [
            {"name": name, "type": kind, "link": into[place]}
            for place, (name, (kind, _)) in enumerate(node.inputs.items())
        ],
        "outputs": [
            {"name": kind, "type": kind, "links": links_out, "slot_index": place}
            for place, (kind, links_out) in enumerate(zip(node.outputs, outof, strict=True))
        ],
        "properties": {"Node name for S&R": node.kind},
        "widgets_values": list(node.widgets),
    }


def picture(graph: Graph, path: Path) -> None:
    """Draw a workflow: tokred's nodes in colour."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(11, 3.6), dpi=110)
    for node in graph.values():
        draw_box(axes, node)
        for _, (source, _output) in node.inputs.values():
            draw_arrow(axes, graph[source].place, node.place)
    axes.set_xlim(-0.1, max(node.place[0] for node in graph.values()) + WIDE + 0.1)
    axes.set_ylim(-max(node.place[1] for node in graph.values()) - 0.1, HIGH + 0.1)
    axes.axis("off")
    figure.savefig(path, bbox_inches="tight", pil_kwargs={"quality": 80})


def draw_box(axes: Any, node: Node) -> None:
    """Draw a node with its title and the first of its widgets."""
    from matplotlib.patches import FancyBboxPatch

    (x, y), own = node.place, node.kind in TITLES
    style = {"boxstyle": "round,pad=0.02", "fc": "#dfe3fb" if own else "#f4f4f4", "ec": "#555"}
    axes.add_patch(FancyBboxPatch((x, -y), WIDE, HIGH, **style))
    shown = node.widgets[:1] if node.kind not in ("CLIPTextEncode", "KSampler") else ()
    label = "\n".join([TITLES.get(node.kind, node.kind), *map(str, shown)])
    where = {"ha": "center", "va": "center", "fontsize": 6.6, "weight": "bold" if own else None}
    axes.text(x + WIDE / 2, -y + HIGH / 2, label, **where)


def draw_arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw what goes from one node to another."""
    arrow = {"arrowstyle": "-|>", "color": "#8890b5", "lw": 0.9, "connectionstyle": "arc3,rad=-0.08"}
    tip, tail = (end[0] - 0.02, -end[1] + HIGH / 2), (start[0] + WIDE + 0.02, -start[1] + HIGH / 2)
    axes.annotate("", tip, tail, arrowprops=arrow)


def main() -> None:
    """Write the workflows and the picture."""
    for name, graph in WORKFLOWS.items():
        path = FOLDER / "example_workflows" / f"{name}.json"
        path.write_text(json.dumps(written(graph), indent=1) + "\n")
    picture(FLUX, FOLDER / "workflow.webp")


if __name__ == "__main__":
    main()
