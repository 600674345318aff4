"""Fixtures of the tests on real models. Diffusers and timm are imported only where a test asks for a family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from families.models import Family
    from torch import nn

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

torch.set_num_threads(1)  # the models are so small that threads only wait for each other


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `family` on all of them, unless it names its own."""
    marks = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    named = {name for mark in marks for name in (mark.split(",") if isinstance(mark, str) else mark)}
    if "family" in metafunc.fixturenames and "family" not in named:
        from families.models import FAMILIES

        metafunc.parametrize("family", FAMILIES, ids=str)


@pytest.fixture(params=DTYPES.values(), ids=DTYPES.keys())
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    """Give each type that models compute in."""
    return request.param


@pytest.fixture
def model(family: Family, dtype: torch.dtype) -> nn.Module:
    """Build the family's model, never patched before."""
    return family.model(dtype)
