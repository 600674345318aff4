"""PSNR of what changes from frame to frame."""

from __future__ import annotations

import pytest
import torch

from tokred.errors import SpecError
from tokred.metrics import IDENTICAL_PSNR, psnr_changes


def test_against_a_plain_loop() -> None:
    torch.manual_seed(0)
    x, y = torch.rand(2, 4, 3, 5, 6), torch.rand(2, 4, 3, 5, 6)
    for clip, reference, found in zip(x, y, psnr_changes(x, y), strict=True):
        errors = [
            ((clip[i + 1] - clip[i]) - (reference[i + 1] - reference[i])).square().mean().item() for i in range(3)
        ]
        assert found.item() == pytest.approx(-10 * torch.tensor(sum(errors) / 3).log10().item(), rel=1e-5)


def test_an_error_that_stays_costs_nothing() -> None:
    reference = torch.rand(1, 3, 3, 4, 4) / 2
    assert psnr_changes(reference + 0.25, reference).item() > IDENTICAL_PSNR - 1
    flickering = reference + 0.25 * torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1, 1)
    assert psnr_changes(flickering, reference).item() == pytest.approx(12.04, abs=0.01)


@pytest.mark.parametrize("shape", [(1, 1, 3, 4, 4), (2, 3, 4, 4)])
def test_a_clip_has_two_frames(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match=r"two frames or more, not \["):
        psnr_changes(torch.rand(shape), torch.rand(shape))


def test_clips_of_other_shapes_are_refused() -> None:
    with pytest.raises(SpecError, match="must have the same shape"):
        psnr_changes(torch.rand(1, 4, 3, 4, 4), torch.rand(1, 3, 3, 4, 4))
