"""Does measured time follow the compute that is left? `python benchmarks/time_follows_compute.py`.

A wide DiT and a wide Flux with random weights (12 heads of 64) take a few denoising steps on 1,024 and 4,096 tokens,
as they are and with a method, in turns; eagerly, and with every block compiled. What a method needs of the dense time,
the least of a few generations each, is held against what it needs of the dense operations. Writes
docs/results/time_follows_compute.json, row by row, and goes on with what is there; takes most of an hour. Set
`OMP_WAIT_POLICY=passive OMP_NUM_THREADS=1`, and let the machine do nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from diffusers import DiTTransformer2DModel
from torch import nn

import tokred
from tokred.bench.contender import Contender, parse_contenders
from tokred.bench.environment import Device, Versions
from tokred.bench.measure import count_flops, seconds, timed_pairs
from tokred.zoo import dit, flux

OUT = Path(__file__).parents[1] / "docs" / "results" / "time_follows_compute.json"
METHODS = ("tomesd:ratio=0.5", "dito:ratio=0.5", "delta:ratio=0.75", "balanced")
MORE = ("dito:ratio=0.5,interval=4", "dito:ratio=0.5,keys=full", "delta:ratio=0.9,stride=4x4,interval=3")
"""Measured eagerly on the smaller picture only."""
CLASSES = ("one", "other")
SIZES = {1024: 64, 4096: 128}
"""Height and width of the pictures in pixels, by their tokens; a token is 2 by 2 pixels."""
PAIRS = {1024: 4, 4096: 2}
STEPS = 6


def wide_dit(size: int) -> Any:
    """Return a pipeline around a DiT of 2 blocks of width 768, random weights."""
    model = DiTTransformer2DModel(
        num_attention_heads=12,
        attention_head_dim=64,
        in_channels=3,
        out_channels=3,
        num_layers=2,
        sample_size=size,
        patch_size=2,
        num_embeds_ada_norm=2,
    )
    return dit.pipeline(model.eval(), CLASSES, size)


def wide_flux(size: int) -> Any:
    """Return a pipeline around a Flux of 1 double and 2 single blocks of width 768, random weights."""
    config = {
        "patch_size": 1,
        "in_channels": 12,
        "num_layers": 1,
        "num_single_layers": 2,
        "attention_head_dim": 64,
        "num_attention_heads": 12,
        "joint_attention_dim": 64,
        "pooled_projection_dim": 64,
        "axes_dims_rope": (16, 24, 24),
        "guidance_embeds": False,
    }
    return flux.pipeline(flux.build(config, CLASSES).eval(), CLASSES, size)


MODELS = {"dit": (wide_dit, {"class_labels": [0]}), "flux": (wide_flux, {"prompt": "one"})}
"""How to make each pipeline, and what to ask it for."""


@dataclass(frozen=True)
class Way:
    """How a model is measured.

    Attributes:
        model: its name in `MODELS`.
        tokens: of the picture, N.
        compiled: whether its blocks are.
    """

    model: str
    tokens: int
    compiled: bool

    @property
    def methods(self) -> tuple[str, ...]:
        """What is measured."""
        return METHODS if self.compiled or self.tokens > min(SIZES) else METHODS + MORE

    def pipeline(self) -> tuple[Any, Callable[[], None]]:
        """Return a pipeline that is always the same, and what draws with it."""
        make, request = MODELS[self.model]
        torch.manual_seed(0)
        pipe = make(SIZES[self.tokens])
        pipe.set_progress_bar_config(disable=True)

        def generate() -> None:
            generator = torch.Generator().manual_seed(0)
            pipe(**request, guidance_scale=1.0, generator=generator, num_inference_steps=STEPS, output_type="pt")

        return pipe, generate

    def rows(self, contenders: list[Contender]) -> Iterator[dict[str, Any]]:
        """Measure methods against the dense model."""
        pipe, dense = self.pipeline()
        dense_flops = count_flops(dense)  # of blocks that are not compiled yet: inductor's code is not counted
        if self.compiled:
            compile_blocks(pipe.transformer)
        for contender in contenders:
            other, reduced = self.pipeline()
            tokred.apply(other, contender.entrant)
            compute = count_flops(reduced) / dense_flops
            if self.compiled:
                compile_blocks(other.transformer)
            times = timed_pairs(partial(seconds, dense), partial(seconds, reduced), PAIRS[self.tokens])
            ratio = min(ours for _, ours in times) / min(theirs for theirs, _ in times)
            yield asdict(self) | {"method": contender.label, "compute": compute, "time_ratio": ratio, "seconds": times}


def compile_blocks(model: nn.Module) -> None:
    """Compile each transformer block in place."""
    for name in ("transformer_blocks", "single_transformer_blocks"):
        for block in getattr(model, name, []):
            block.compile(fullgraph=True)


def main() -> None:
    """Measure what is missing in the file."""
    facts = {"versions": asdict(Versions.here()), "device": asdict(Device.of(torch.device("cpu")))}
    rows = json.loads(OUT.read_text())["rows"] if OUT.exists() else []
    for way in (Way(*values) for values in product(MODELS, SIZES, (False, True))):
        done = {row["method"] for row in rows if Way(row["model"], row["tokens"], row["compiled"]) == way}
        wanted = [contender for contender in parse_contenders(way.methods) if contender.label not in done]
        for row in way.rows(wanted) if wanted else ():
            rows.append(row | facts)
            print(json.dumps(row), flush=True)
            OUT.write_text(json.dumps({"steps": STEPS, "width": 768, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
