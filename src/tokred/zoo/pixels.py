"""The autoencoder of a diffusion model that works on pixels: it hands its input back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.models.modeling_utils import ModelMixin


class PixelAutoencoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Stands where a diffusers pipeline expects a VAE, for models whose latents are the pixels.

    Latents and pictures are the same tensor, `[B, 3, H, W]` in [-1, 1]. The arguments are what pipelines ask a VAE
    for: latents are neither scaled nor shifted, and one level of resolution makes them as large as the picture, whose
    height and width are `sample_size` where nothing else is asked for.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        scaling_factor: float = 1.0,
        shift_factor: float = 0.0,
        block_out_channels: Sequence[int] = (3,),
        sample_size: int = 0,
        latent_channels: int = 3,
    ) -> None:
        super().__init__()
        # Pipelines ask each of their models for its device and dtype, and for weights to save; this one has none.
        self.register_buffer("placement", torch.zeros(1))

    def decode(self, latents: torch.Tensor, return_dict: bool = True) -> DecoderOutput | tuple[torch.Tensor]:
        """Return `latents` `[B, 3, H, W]` as the decoded picture."""
        return DecoderOutput(sample=latents) if return_dict else (latents,)


class FrameAutoencoder(PixelAutoencoder):
    """The same for pipelines of video, `[B, 3, F, H, W]` in [-1, 1].

    Args:
        scale_factor_temporal: `num_frames - 1` has to be a multiple of it; latents have as many frames as clips.
        scale_factor_spatial: likewise of height and width.
        z_dim: channels.
        latents_mean: of each channel.
        latents_std: of each channel.
        sample_size: see `PixelAutoencoder`.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        scale_factor_temporal: int,
        scale_factor_spatial: int = 1,
        z_dim: int = 3,
        latents_mean: Sequence[float] = (0.0, 0.0, 0.0),
        latents_std: Sequence[float] = (1.0, 1.0, 1.0),
        sample_size: int = 0,
    ) -> None:
        torch.nn.Module.__init__(self)
        self.register_buffer("placement", torch.zeros(1))
