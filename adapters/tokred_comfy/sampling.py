"""One sampling of a sped-up model, from its first call to its last or to where it is broken off."""

from __future__ import annotations

import logging
from typing import Any

import tokred

from .branches import BranchNames
from .drawn import Drawn
from .families import family_for
from .noise_levels import NoiseLevels, noise_share, noise_shares

ITSELF = (
    "The sampler chooses noise levels of its own, so that nothing says which step a call belongs to: from there on "
    "everything was computed"
)


class Sampling:
    """Tells tokred before each call of the model which step and branches it belongs to.

    The method is on the model from the first call to the end of the sampling and no longer: the model is ComfyUI's, and
    other branches of the workflow sample it as well.

    Args:
        method: what is applied.
    """

    def __init__(self, method: tokred.Method) -> None:
        self.method = method
        self.run: tokred.Run | None = None
        self.levels: NoiseLevels | None = None
        self.noise: tuple[float, ...] = ()
        self.names = BranchNames()
        self.notes: tuple[str, ...] = ()
        self.drawn = Drawn()

    def call(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        """Stand around `apply_model`, as one of ComfyUI's APPLY_MODEL wrappers."""
        options, model = _options(args, kwargs), executor.class_obj
        if self.notes:
            return executor(*args, **kwargs)
        if self.levels is None:
            self.levels = NoiseLevels(options["sample_sigmas"].tolist())
            self.noise = noise_shares(model.model_sampling, self.levels)
            network = model.diffusion_model
            self.run = tokred.apply(network, self.method, family=family_for(network))
        sigma = float(options["sigmas"][0])
        if not self.levels.kept_to(sigma):
            self.notes = (ITSELF,)
            logging.warning("tokred: %s.", ITSELF)
            self.end()
            return executor(*args, **kwargs)
        step, share = self.levels.step(sigma), noise_share(model.model_sampling, sigma)
        branches = self.names.names(step, options)
        with tokred.step(step, self.levels.steps, branches, share, generation=self, noise=self.noise):
            return executor(*args, **kwargs)

    def end(self) -> None:
        """Give the model back and keep what is to be told of the sampling."""
        if self.run is not None:
            self.drawn = Drawn.of(self.run, self.notes)
            self.run.remove()
            self.run = None


def _options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the call's `transformer_options`; `apply_model` takes them last of its own arguments."""
    return kwargs["transformer_options"] if "transformer_options" in kwargs else args[5]
