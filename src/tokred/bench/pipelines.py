"""Pipelines from a folder or the hub, and where they compute."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from tokred.bench.alignment import align
from tokred.errors import SpecError
from tokred.extras import extra
from tokred.quiet import no_bars

SAVED = {"WordFluxPipeline": "tokred.zoo.flux", "WordSD3Pipeline": "tokred.zoo.sd3"}
"""Pipelines of the zoo that are not classes of diffusers, and where they are."""
INDEX = "model_index.json"
"""File that says which class a folder holds."""
Offload = Literal["none", "model", "group"]
OFFLOADS: tuple[Offload, ...] = get_args(Offload)


def check_offload(offload: str, device: str) -> None:
    """Refuse a way to offload that is not known, or has nothing to offload from.

    Raises:
        SpecError: likewise.
    """
    if offload not in OFFLOADS:
        raise SpecError(f"--offload {offload} is not known. Allowed: {', '.join(OFFLOADS)}.")
    if offload != "none" and torch.device(device).type == "cpu":
        raise SpecError(f"--offload {offload} moves weights off an accelerator, and --device is cpu. Leave it out.")


def saved_class(name: str) -> type | None:
    """Return the class of the pipeline that a folder holds; None where it is not a folder, or the class is not known.

    Raises:
        SpecError: if the folder holds no pipeline.
    """
    folder = Path(name)
    if not folder.is_dir():
        return None
    try:
        written = str(json.loads((folder / INDEX).read_text()).get("_class_name"))
    except (OSError, ValueError, AttributeError) as error:
        raise SpecError(
            f"{folder} is not a pipeline: it has no {INDEX}. Name a folder that save_pretrained wrote."
        ) from error
    with extra("bench"):
        return getattr(importlib.import_module(SAVED.get(written, "diffusers")), written, None)


def load_pipeline(name: str, dtype: torch.dtype, revision: str | None = None, variant: str | None = None) -> Any:
    """Load a pipeline from a folder that `save_pretrained` wrote, or from the hub.

    Raises:
        SpecError: if there is none, or it cannot be loaded.
    """
    with extra("bench"):
        import diffusers

    kind: Any = saved_class(name)
    kind = kind if kind and kind.__name__ in SAVED else diffusers.DiffusionPipeline
    try:
        with no_bars():
            return kind.from_pretrained(name, torch_dtype=dtype, revision=revision, variant=variant)
    except (OSError, ValueError, AttributeError) as error:
        raise SpecError(f"--model {name} cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def place(pipe: Any, device: str, offload: Offload) -> None:
    """Put a pipeline on a device: all of it, or each model as it is called ("model"), or parts of these ("group")."""
    if offload == "none":
        pipe.to(device)
        for part in pipe.components.values():
            if isinstance(part, torch.nn.Module):
                align(part)
    elif offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    else:
        onto = torch.device(device)
        pipe.enable_group_offload(onload_device=onto, offload_device=torch.device("cpu"), offload_type="leaf_level")
