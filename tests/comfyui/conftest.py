"""The lane of ComfyUI's own engine: `make test-comfy` makes an environment with it; elsewhere one sentence says so."""

from __future__ import annotations

from importlib.util import find_spec

THERE = find_spec("comfy_api") is not None

collect_ignore_glob = [] if THERE else ["test_[!e]*.py"]

if THERE:
    import comfy.cli_args
    import torch

    comfy.cli_args.args.cpu = True
    torch.set_num_threads(1)
