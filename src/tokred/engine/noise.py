"""The time that recoveries go by: how much of a picture is noise at each step of a sampler."""

from __future__ import annotations

from typing import Any

import torch


def noise_shares(scheduler: Any) -> list[float]:
    """List `sigma / (alpha + sigma)` of the model calls of a diffusers scheduler, from 1, pure noise, down to 0.

    A step's picture is `alpha * picture + sigma * noise`. Rectified flows have `alpha = 1 - sigma`, so that it is their
    sigma. Sigmas of other samplers are relative to `alpha = 1`; where there are none, the training's are taken.

    Returns:
        At least one share for each of its timesteps; an empty list where they cannot be read, as of samplers of tokens.
    """
    try:
        shares = _shares(scheduler)
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):  # whatever a class of its own keeps
        return []
    if shares is None or len(shares) < len(scheduler.timesteps) or not bool(shares.isfinite().all()):
        return []
    return [float(share) for share in shares.clamp(0, 1).tolist()]


def _shares(scheduler: Any) -> torch.Tensor | None:
    """Read the shares from what a scheduler keeps, float64 on the CPU; None where it keeps nothing known."""
    times, config = _double(scheduler.timesteps), scheduler.config
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is not None and len(times) <= len(sigmas) <= len(times) + 3:
        return _of_sigmas(scheduler, _double(sigmas))
    if hasattr(scheduler, "alphas_cumprod"):
        return _of_power(_double(scheduler.alphas_cumprod)[times.long()])
    if hasattr(scheduler, "_alpha_cumprod"):  # of a time in [0, 1]
        return _of_power(_double(scheduler._alpha_cumprod(times.float(), torch.device("cpu"))))
    if getattr(scheduler, "schedule", None) is not None:
        return _relative(_double(scheduler.schedule)[times.long()])
    if config.get("prediction_type") == "trigflow":  # times are angles
        return times.sin() / (times.sin() + times.cos())
    if hasattr(scheduler, "ets") and hasattr(scheduler, "betas"):  # of IPNDM: noise and picture of unit length together
        alphas, betas = _double(scheduler.alphas), _double(scheduler.betas)
        return betas / (alphas + betas)
    if "beta_min" in config and "beta_max" in config:  # a stochastic process that keeps the variance
        integral = times.square() * (config["beta_max"] - config["beta_min"]) / 2 + times * config["beta_min"]
        return _of_power(torch.exp(-integral))
    return None


def _of_sigmas(scheduler: Any, sigmas: torch.Tensor) -> torch.Tensor:
    """Return the shares of a scheduler's own sigmas, those between two steps included."""
    if _is_flow(scheduler):
        return 1 - sigmas if scheduler.config.get("invert_sigmas") else sigmas
    middles = getattr(scheduler, "sigmas_interpol", None)
    if middles is not None:
        sigmas = sigmas.clone()
        between = _double(middles)[: len(sigmas)]
        sigmas[1::2] = (between.roll(1) if hasattr(scheduler, "sigmas_down") else between)[1::2]
    elif hasattr(scheduler, "mid_point_sigma"):
        sigmas = sigmas.clone()
        sigmas[1::2] = (sigmas[:-1:2] * sigmas[1::2]).sqrt()
    return _relative(sigmas)


def _is_flow(scheduler: Any) -> bool:
    """Say whether sigmas are shares already: a flow's, which adds no noise to a picture left as it is."""
    if hasattr(scheduler, "alphas_cumprod"):
        return bool(scheduler.config.get("use_flow_sigmas", False))
    return hasattr(scheduler, "scale_noise") or not hasattr(scheduler, "add_noise")


def _relative(sigmas: torch.Tensor) -> torch.Tensor:
    return 1 - 1 / (1 + sigmas)


def _of_power(alphas: torch.Tensor) -> torch.Tensor:
    """Return the shares where `alphas` are those of the picture's power."""
    return (1 - alphas).sqrt() / (alphas.sqrt() + (1 - alphas).sqrt())


def _double(values: Any) -> torch.Tensor:
    """Return `values` where float64 is known."""
    return torch.as_tensor(values).detach().cpu().double()
