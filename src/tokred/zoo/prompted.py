"""What the prompted models have in common: a transformer with its text encoder, and what it takes from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler

from tokred.errors import SpecError
from tokred.zoo.encoder import WordEncoder
from tokred.zoo.pixels import PixelAutoencoder
from tokred.zoo.words import vocabulary

Pipeline = TypeVar("Pipeline", bound=DiffusionPipeline)


class Prompted(torch.nn.Module):
    """A diffusion transformer and the `WordEncoder` that it was trained with: what a weights file holds.

    Attributes:
        transformer: the network.
        text: the encoder of its prompts.
    """

    def __init__(self, transformer: torch.nn.Module, text: WordEncoder) -> None:
        super().__init__()
        self.transformer = transformer
        self.text = text


class SizedByVAE:
    """A pipeline whose pictures are as large as its autoencoder says, in a folder that it was loaded from as well."""

    vae: PixelAutoencoder

    @property
    def default_sample_size(self) -> int:
        """Height and width of a picture, in latents and so in pixels."""
        size: int = self.vae.config.sample_size
        return size

    @default_sample_size.setter
    def default_sample_size(self, size: int) -> None:
        """Leave what diffusers' pipelines take for their own autoencoders."""


def word_encoder(config: dict[str, Any], prompts: Sequence[str]) -> WordEncoder:
    """Build the untrained text encoder for a transformer of `config` whose training prompts are `prompts`."""
    width, pooled_width = config["joint_attention_dim"], config["pooled_projection_dim"]
    encoder: WordEncoder = WordEncoder(vocabulary(prompts), width, pooled_width)
    return encoder


def prompted_pipeline(
    kind: type[Pipeline], model: Prompted, size: int, absent: Sequence[str], vae: PixelAutoencoder | None = None
) -> Pipeline:
    """Build a pipeline that samples `model` in `size` x `size` pixels, with nothing for its parts `absent`."""
    pipe: Pipeline = kind(
        transformer=model.transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae or PixelAutoencoder(sample_size=size),
        text_encoder=model.text,
        **dict.fromkeys(absent),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def request(pipe: DiffusionPipeline, names: Sequence[str]) -> dict[str, Any]:
    """See `tokred.zoo.families.DrawingFamily`; `names` are prompts.

    Raises:
        SpecError: a prompt has a word that is not known.
    """
    pipe.text_encoder.numbers(names)
    return {"prompt": list(names)}


def embed(pipe: DiffusionPipeline, prompt: str | Sequence[str], copies: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Embed prompts, each `copies` times in a row.

    Returns:
        Text tokens `[B, 8, C]` and pooled vectors `[B, P]`, in the dtype and on the device of the transformer.
    """
    prompts = [prompt] if isinstance(prompt, str) else list(prompt)
    embedded = pipe.text_encoder(pipe.text_encoder.numbers(prompts))
    tokens, pooled = (part.repeat_interleave(copies, dim=0).to(pipe.transformer.dtype) for part in embedded)
    return tokens, pooled


def refuse(**arguments: Any) -> None:
    """Raise `SpecError` for the first of `arguments` that was given: the zoo's prompted models have no use for it."""
    for name, value in arguments.items():
        if value is not None:
            raise SpecError(f"{name}={value!r} means nothing here: the model has one text encoder. Use prompt alone.")
