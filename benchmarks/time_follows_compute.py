"""Does measured time follow the compute that is left? `python benchmarks/time_follows_compute.py --out FILE`.

A wide DiT with random weights (12 heads of 64, 1,024 tokens) takes 4 denoising steps, densely and reduced, in turns.
A method should need at most 0.08 more of the dense time than it needs of the dense operations; the exit code is 1 where
one needs more.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import asdict
from pathlib import Path

import torch
from diffusers import DiTTransformer2DModel

import tokred
from tokred.bench.environment import Device, Versions
from tokred.bench.measure import count_flops, seconds, timed_pairs
from tokred.zoo.dit import pipeline

METHODS = {
    "tomesd ratio=0.5": ("tomesd", {"ratio": 0.5}),
    "dito ratio=0.5": ("dito", {"ratio": 0.5}),
    "dito ratio=0.5 interval=4": ("dito", {"ratio": 0.5, "interval": 4}),
    "dito ratio=0.5 keys=full": ("dito", {"ratio": 0.5, "keys": "full"}),
}
ALLOWANCE = 0.08
PAIRS = 5
STEPS = 4


def wide_pipeline() -> object:
    """Return a pipeline around a DiT of width 768 on a grid of 32 by 32 tokens, random weights."""
    torch.manual_seed(0)
    model = DiTTransformer2DModel(
        num_attention_heads=12,
        attention_head_dim=64,
        in_channels=3,
        out_channels=3,
        num_layers=2,
        sample_size=64,
        patch_size=2,
        num_embeds_ada_norm=2,
    )
    return pipeline(model.eval(), ["one", "other"], size=64)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    arguments = parser.parse_args()
    pipe = wide_pipeline()

    def generate() -> None:
        generator = torch.Generator().manual_seed(0)
        pipe([0], guidance_scale=1.0, generator=generator, num_inference_steps=STEPS, output_type="pt")

    dense_flops = count_flops(generate)
    rows = []
    for label, (method, params) in METHODS.items():

        def reduced(method: str = method, params: dict[str, object] = params) -> float:
            with tokred.apply(pipe, method, **params):
                return seconds(generate)

        with tokred.apply(pipe, method, **params):
            compute = count_flops(generate) / dense_flops
        ratios = [other / dense for dense, other in timed_pairs(lambda: seconds(generate), reduced, PAIRS)]
        rows.append({"method": label, "compute": compute, "time_ratio": statistics.median(ratios), "pairs": ratios})
        print(f"{label:28} compute {compute:.3f}  time {rows[-1]['time_ratio']:.3f}", flush=True)
    facts = {"versions": asdict(Versions.here()), "device": asdict(Device.of(torch.device("cpu")))}
    result = {"allowance": ALLOWANCE, "steps": STEPS, "tokens": 1024, "width": 768, "rows": rows, **facts}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    too_slow = [row["method"] for row in rows if row["time_ratio"] > row["compute"] + ALLOWANCE]
    print(f"slower than compute + {ALLOWANCE}: {', '.join(too_slow) or 'none'}")
    return 1 if too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
