"""The cosine of features, against its formula."""

from __future__ import annotations

import math

import pytest
import torch

from tokred import SpecError
from tokred.metrics import cosine


def test_equals_the_formula() -> None:
    features, reference = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0))
    for value, x, y in zip(cosine(features, reference).tolist(), features.tolist(), reference.tolist(), strict=True):
        dot = sum(a * b for a, b in zip(x, y, strict=True))
        assert value == pytest.approx(dot / (math.hypot(*x) * math.hypot(*y)), abs=1e-6)
    assert cosine(features, 3 * features).tolist() == pytest.approx([1.0] * 6)


def test_what_is_wrong_is_refused() -> None:
    with pytest.raises(SpecError, match=r"features \[4\] must have shape \[B, C\]"):
        cosine(torch.rand(4), torch.rand(4))
    with pytest.raises(SpecError, match=r"features \[4, 2\] must have shape \[B, C\], as the reference \[4, 3\]"):
        cosine(torch.rand(4, 2), torch.rand(4, 3))
    with pytest.raises(SpecError, match="reference must be finite"):
        cosine(torch.rand(1, 2), torch.full((1, 2), torch.inf))
