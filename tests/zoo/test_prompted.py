"""The prompted pipelines: diffusers' own, with words in the place of their text encoders."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from prompted_models import FLUX, PROMPTS, SD3

from tokred.errors import SpecError
from tokred.zoo import flux, sd3
from tokred.zoo.draw import draw

MODULES: dict[str, Any] = {"sd3": sd3, "flux": flux}


@pytest.fixture(params=["sd3", "flux"])
def module(request: pytest.FixtureRequest) -> Any:
    return MODULES[request.param]


@pytest.fixture
def pipe(module: Any) -> Any:
    torch.manual_seed(0)
    model = module.build({sd3: SD3, flux: FLUX}[module], PROMPTS).eval()
    return module.pipeline(model, PROMPTS, 8)


def picture(pipe: Any, *, seed: int = 3, **arguments: Any) -> torch.Tensor:
    settings = {"num_inference_steps": 3, "guidance_scale": 1.0, "output_type": "pt"} | arguments
    drawn: torch.Tensor = pipe(generator=torch.Generator().manual_seed(seed), **settings).images
    return drawn


def test_prompts_are_drawn_at_the_models_size(module: Any, pipe: Any) -> None:
    pictures = draw(pipe, module.request(pipe, ["red apple", "green heart"]), [1, 2], steps=2, guidance=1.0)
    assert pictures.shape == (2, 3, 8, 8)
    assert not torch.equal(pictures[0], pictures[1])


def test_prompt_matters_and_embedded_prompts_are_the_same(pipe: Any) -> None:
    tokens, pooled = pipe.text_encoder(pipe.text_encoder.numbers(["red heart"]))
    asked = picture(pipe, prompt="red heart")
    assert torch.equal(asked, picture(pipe, prompt_embeds=tokens, pooled_prompt_embeds=pooled))
    assert not torch.allclose(asked, picture(pipe, prompt="green apple"), atol=1e-4)


def test_latents_are_the_pixels(pipe: Any) -> None:
    latents = picture(pipe, prompt="red heart", output_type="latent")
    if latents.ndim == 3:
        latents = pipe._unpack_latents(latents, 8, 8, 1)
    torch.testing.assert_close(picture(pipe, prompt="red heart"), (latents / 2 + 0.5).clamp(0, 1))


def test_several_pictures_of_one_prompt(pipe: Any) -> None:
    pictures = picture(pipe, prompt=["red heart", "green apple"], num_images_per_prompt=2)
    assert pictures.shape == (4, 3, 8, 8)
    noise = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    if hasattr(pipe, "_pack_latents"):
        noise = pipe._pack_latents(noise, 4, 3, 8, 8)
    torch.testing.assert_close(picture(pipe, prompt=["green apple"], latents=noise[3:]), pictures[3:])


def test_sampling_is_deterministic_and_leaves_the_global_generator_alone(pipe: Any) -> None:
    state = torch.get_rng_state()
    assert torch.equal(picture(pipe, prompt="red heart"), picture(pipe, prompt="red heart"))
    assert torch.equal(torch.get_rng_state(), state)


def test_unknown_word_is_refused_before_anything_is_drawn(module: Any, pipe: Any) -> None:
    with pytest.raises(SpecError, match=r"'aple' \(nearest: apple\)"):
        pipe("red aple")
    with pytest.raises(SpecError, match=r"'aple' \(nearest: apple\)"):
        module.request(pipe, ["red aple"])


def test_prompt_for_an_encoder_that_is_not_there_is_refused(pipe: Any) -> None:
    with pytest.raises(SpecError, match=r"prompt_2='red' means nothing here: the model has one text encoder"):
        pipe("red heart", prompt_2="red")


def test_sd3_guidance_is_the_rule_of_two_branches() -> None:
    torch.manual_seed(0)
    pipe = sd3.pipeline(sd3.build(SD3, PROMPTS).eval(), PROMPTS, 8)
    noise = torch.randn(1, 3, 8, 8)

    def velocity(prompt: str) -> torch.Tensor:
        tokens, pooled = pipe.text_encoder(pipe.text_encoder.numbers([prompt]))
        with torch.no_grad():
            found: torch.Tensor = pipe.transformer(noise, tokens, pooled, torch.tensor([1000.0])).sample
        return found

    conditional, unconditional = velocity("green heart"), velocity("")
    guided = noise - (unconditional + 3.0 * (conditional - unconditional))
    settings = {"num_inference_steps": 1, "guidance_scale": 3.0, "output_type": "latent"}
    torch.testing.assert_close(pipe("green heart", latents=noise, **settings).images, guided)
    against = noise - (velocity("red") + 3.0 * (conditional - velocity("red")))
    drawn = pipe("green heart", negative_prompt="red", latents=noise, **settings).images
    torch.testing.assert_close(drawn, against)


def test_flux_true_guidance_takes_a_negative_prompt() -> None:
    torch.manual_seed(0)
    pipe = flux.pipeline(flux.build(FLUX, PROMPTS).eval(), PROMPTS, 8)
    plain = picture(pipe, prompt="green heart")
    assert torch.equal(picture(pipe, prompt="green heart", negative_prompt="green heart", true_cfg_scale=2.0), plain)
    assert not torch.equal(picture(pipe, prompt="green heart", negative_prompt="red", true_cfg_scale=2.0), plain)
