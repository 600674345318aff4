"""Does measured time follow the compute that is left? `python benchmarks/time_follows_compute.py --out FILE`.

A wide DiT or Flux with random weights (12 heads of 64, 1,024 tokens) takes a few denoising steps, densely and reduced,
in turns. A method should need at most 0.08 more of the dense time than it needs of the dense operations; the exit code
is 1 where one needs more. Methods are named as for `tokred bench`:

    python benchmarks/time_follows_compute.py --out FILE --model flux --steps 10 delta step_cache:interval=3
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from diffusers import DiTTransformer2DModel

from tokred.bench.contender import Contender, parse_contenders
from tokred.bench.environment import Device, Versions
from tokred.bench.measure import count_flops, seconds, timed_pairs
from tokred.zoo import dit, flux

METHODS = ("tomesd:ratio=0.5", "dito:ratio=0.5", "dito:ratio=0.5,interval=4", "dito:ratio=0.5,keys=full")
CLASSES = ("one", "other")
SIZE = 64
"""Height and width of the pictures, in pixels; a token is 2 by 2 of them."""
ALLOWANCE = 0.08
PAIRS = 5
STEPS = 4


def wide_dit() -> Any:
    """Return a pipeline around a DiT of 2 blocks of width 768, random weights."""
    model = DiTTransformer2DModel(
        num_attention_heads=12,
        attention_head_dim=64,
        in_channels=3,
        out_channels=3,
        num_layers=2,
        sample_size=SIZE,
        patch_size=2,
        num_embeds_ada_norm=2,
    )
    return dit.pipeline(model.eval(), CLASSES, SIZE)


def wide_flux() -> Any:
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
    return flux.pipeline(flux.build(config, CLASSES).eval(), CLASSES, SIZE)


MODELS = {"dit": (wide_dit, {"class_labels": [0]}), "flux": (wide_flux, {"prompt": "one"})}
"""How to make each pipeline, and what to ask it for."""


def measured(contender: Contender, pipe: Any, generate: Callable[[], object], pairs: int) -> dict[str, Any]:
    """Return what a contender needs of the dense operations and of the dense time: the median of pairs and the best."""

    def reduced() -> float:
        with contender.applied(pipe):
            return seconds(generate)

    dense_flops = count_flops(generate)
    with contender.applied(pipe):
        compute = count_flops(generate) / dense_flops
    times = timed_pairs(lambda: seconds(generate), reduced, pairs)
    ratios = [other / dense for dense, other in times]
    fastest = min(other for _, other in times) / min(dense for dense, _ in times)
    row = {"method": contender.label, "compute": compute, "time_ratio": statistics.median(ratios)}
    print(
        f"{contender.label:28} compute {compute:.3f}  time {row['time_ratio']:.3f}  fastest {fastest:.3f}", flush=True
    )
    return row | {"fastest": fastest, "pairs": ratios}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", default=METHODS, help=f"by default {' '.join(METHODS)}")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--model", choices=MODELS, default="dit", help="dit by default")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of a generation, {STEPS} by default")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"of timed generations, {PAIRS} by default")
    arguments = parser.parse_args()
    make, request = MODELS[arguments.model]
    torch.manual_seed(0)
    pipe = make()

    def generate() -> None:
        generator = torch.Generator().manual_seed(0)
        steps = arguments.steps
        pipe(**request, guidance_scale=1.0, generator=generator, num_inference_steps=steps, output_type="pt")

    contenders = parse_contenders(arguments.methods)
    rows = [measured(contender, pipe, generate, arguments.pairs) for contender in contenders]
    facts = {"versions": asdict(Versions.here()), "device": asdict(Device.of(torch.device("cpu")))}
    about = {"allowance": ALLOWANCE, "model": arguments.model, "steps": arguments.steps, "tokens": 1024, "width": 768}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({**about, "rows": rows, **facts}, indent=1) + "\n")
    too_slow = [row["method"] for row in rows if row["time_ratio"] > row["compute"] + ALLOWANCE]
    print(f"slower than compute + {ALLOWANCE}: {', '.join(too_slow) or 'none'}")
    return 1 if too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
