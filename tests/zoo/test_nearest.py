import dataclasses
from typing import Any

import pytest
import torch

from nearest import nearest


def test_finds_each_picture_and_its_mirror_image(data: Any) -> None:
    known = data.images.float() / 255
    pictures = torch.stack([known[3], known[1].flip(-1)]) * 0.9 + 0.05
    labels, psnr = nearest(pictures, data)
    assert labels.tolist() == [3, 1]
    error = (pictures[0] - known[3]).square().mean()
    assert psnr[0].item() == pytest.approx(-10 * error.log10().item(), rel=1e-5)


def test_mirror_images_count_only_if_trained_on(data: Any) -> None:
    flipped = (data.images[1:2].float() / 255).flip(-1)
    with_mirror = nearest(flipped, data)[1]
    without = nearest(flipped, dataclasses.replace(data, mirror=False))[1]
    assert with_mirror.item() == float("inf")
    assert without.item() < 20
