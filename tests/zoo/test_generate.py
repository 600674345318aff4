from typing import Any

import pytest
import torch

from tokred.errors import SpecError
from tokred.zoo import ZooModel, load_model, zoo_models


@pytest.fixture
def model(zoo: Any) -> ZooModel:
    return zoo_models()[0]


@pytest.fixture
def pipe(model: ZooModel) -> Any:
    return load_model(model.name)


def test_pictures_have_the_promised_form(model: ZooModel, pipe: Any) -> None:
    pictures = model.generate(pipe, range(7), steps=3)
    assert pictures.shape == (7, 3, 8, 8)
    assert (pictures.dtype, pictures.device.type) == (torch.float32, "cpu")
    assert 0 <= pictures.min() < pictures.max() <= 1


def test_seed_13_of_5_classes_draws_class_4(model: ZooModel, pipe: Any) -> None:
    picture = model.generate(pipe, [13], steps=3)[0]
    latents = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(13))
    for sigma, following, time in [(0.999, 0.666, 999), (0.666, 0.333, 666), (0.333, 0.0, 332)]:  # Euler's rule
        with torch.no_grad():
            velocity = pipe.transformer(latents, timestep=torch.tensor([time]), class_labels=torch.tensor([4])).sample
        latents = latents + (following - sigma) * velocity
    torch.testing.assert_close(picture, (latents[0] / 2 + 0.5).clamp(0, 1), rtol=0, atol=1e-5)


def test_deterministic_and_blind_to_the_global_generator(model: ZooModel, pipe: Any) -> None:
    first = model.generate(pipe, [3, 8], steps=3)
    torch.rand(5)
    state = torch.get_rng_state()
    assert torch.equal(model.generate(pipe, [3, 8], steps=3), first)
    assert torch.equal(torch.get_rng_state(), state)


def test_picture_does_not_depend_on_its_batch(model: ZooModel, pipe: Any) -> None:
    pictures = model.generate(pipe, [3, 8, -1, 3], steps=3)
    assert torch.equal(pictures[0], pictures[3])
    assert torch.equal(pictures[[1, 0]], model.generate(pipe, [8, 3, 99, 41], steps=3)[:2])
    alone = torch.cat([model.generate(pipe, [seed], steps=3) for seed in (3, 8, -1, 3)])
    torch.testing.assert_close(pictures, alone)
    assert not torch.allclose(pictures[0], pictures[1], atol=0.05)  # the same class, 3, from other noise


def test_nothing_to_draw_is_refused(model: ZooModel, pipe: Any) -> None:
    with pytest.raises(SpecError, match=r"seeds=\[\] draws nothing\. Give at least one integer"):
        model.generate(pipe, [], steps=3)


@pytest.mark.parametrize("steps", [0, -4])
def test_too_few_steps_are_refused(model: ZooModel, pipe: Any, steps: int) -> None:
    with pytest.raises(SpecError, match=rf"steps={steps} must be at least 1"):
        model.generate(pipe, [0], steps)
