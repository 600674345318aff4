"""The descriptions of ComfyUI's networks keep the promises that those of diffusers' keep."""

from __future__ import annotations

import pytest

from tokred import Component
from tokred.testing import Case, cases

FAMILIES = {
    "comfy-flux": ("flux:FLUX", "FLUX"),
    "comfy-sd3": ("sd3:SD3", "SD3"),
    "comfy-wan": ("wan:WAN", "WAN"),
    "comfy-qwen-image": ("qwen_image:QWEN_IMAGE", "QWEN_IMAGE"),
    "comfy-unet": ("unet:UNET", "UNET"),
}


def components() -> list[Component]:
    return [
        Component("family", name, f"tokred_comfy.families.{target}", name, hosts=f"comfy_hosts:{hosts}")
        for name, (target, hosts) in FAMILIES.items()
    ]


QUICK = ("describes_its_model", "order_of_tokens_does_not_matter")


def slow(case: Case) -> bool:
    """Say whether a check is one of the UNet's, whose convolutions take time, and not one of the two that say most."""
    return "comfy-unet" in str(case) and not str(case).endswith(QUICK)


def tried() -> list[object]:
    return [pytest.param(case, marks=[pytest.mark.slow] * slow(case), id=str(case)) for case in cases(components())]


@pytest.mark.parametrize("case", tried())
def test_a_description_is_true(case: Case) -> None:
    case()
