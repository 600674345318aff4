"""One of two processes that draw a picture together: `python -m torch.distributed.run --nproc-per-node 2 THIS`."""

from __future__ import annotations

import sys

import torch
import torch.distributed as dist
from diffusers import ContextParallelConfig

import tokred
from tokred_adapters.tiny import hosts

GRIDS = {"flux": (4, 4), "wan": (2, 4, 4)}
"""Tokens that divide by two."""


def main(name: str, method: str, ours_first: bool) -> None:
    (host,) = (host for host in hosts() if host.name == name)
    model = host.model()
    arguments = host.arguments(model, 0, grid=GRIDS[name], text=4)
    dense = host.generate_from(model, arguments, steps=6)
    with tokred.apply(model, method):
        alone = host.generate_from(model, arguments, steps=6)
    spread = ContextParallelConfig(ulysses_degree=2)
    if not ours_first:
        model.enable_parallelism(config=spread)
    with tokred.apply(model, method) as run:
        if ours_first:
            model.enable_parallelism(config=spread)
        together = host.generate_from(model, arguments, steps=6)
    assert any(call.skipped for call in run.calls)
    assert (together - alone).abs().max() < 1e-5 < (alone - dense).abs().max()


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    # diffusers asks PyTorch for its accelerator, and there is none.
    torch._C._get_accelerator = lambda: torch.device("cpu")
    torch.accelerator.device_count = lambda: 1
    main(sys.argv[1], sys.argv[2], sys.argv[3] == "ours first")
    dist.destroy_process_group()
