"""The time that recoveries go by: how much of a picture is noise at each step of a sampler."""

from __future__ import annotations

from typing import Any

import torch


def noise_shares(scheduler: Any) -> list[float]:
    """List `sigma / (alpha + sigma)` of the steps of a diffusers scheduler, from 1, pure noise, down to 0.

    A step's picture is `alpha * picture + sigma * noise`. Rectified flows have `alpha = 1 - sigma`, so that it is their
    sigma. Sigmas of other samplers are relative to `alpha = 1`; where there are none, the training's are taken.
    """
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is not None and len(sigmas) >= len(scheduler.timesteps):
        sigmas = torch.as_tensor(sigmas).double()
        shares = sigmas if _is_flow(scheduler) else sigmas / (1 + sigmas)
    elif hasattr(scheduler, "alphas_cumprod"):
        alphas = scheduler.alphas_cumprod[torch.as_tensor(scheduler.timesteps).long().cpu()].double()
        shares = (1 - alphas).sqrt() / (alphas.sqrt() + (1 - alphas).sqrt())
    else:
        shares = torch.as_tensor(scheduler.timesteps).double() / scheduler.config.num_train_timesteps
    return [float(share) for share in shares.clamp(0, 1).tolist()]


def _is_flow(scheduler: Any) -> bool:
    return bool(scheduler.config.get("use_flow_sigmas", not hasattr(scheduler, "alphas_cumprod")))
