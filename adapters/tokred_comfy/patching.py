"""A model of ComfyUI with a method on it."""

from __future__ import annotations

from typing import Any

import tokred

from .drawn import Drawn
from .families import family_for
from .sampling import Sampling

KEY = "tokred"
"""Under which ComfyUI's model patchers keep what is tokred's."""


def sped_up(model: Any, method: tokred.Method) -> Any:
    """Return a clone of a model patcher that samples by a method; the model itself and other clones stay as they are.

    Raises:
        TokredError: if the method cannot be used on the model.
    """
    from comfy.patcher_extension import WrappersMP

    if model.get_attachment(KEY) is not None:
        raise tokred.ConflictError("The model is sped up by tokred already: remove one of the two nodes.")
    network = model.get_model_object("diffusion_model")
    if family_for(network) is None and not method.skips_model_only:
        raise tokred.UnsupportedModel(
            f"{method.name} removes tokens, and tokred does not know those of {type(network).__name__}: use a preset "
            "such as balanced, which works on every model."
        )
    tokred.apply(network, method, family=family_for(network)).remove()
    clone = model.clone()
    clone.set_attachments(KEY, Drawn())
    clone.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, Sampler(method))
    return clone


class Sampler:
    """Stands around each sampling of a model, as one of ComfyUI's OUTER_SAMPLE wrappers; it holds no state of any.

    Args:
        method: what is applied.
    """

    def __init__(self, method: tokred.Method) -> None:
        self.method = method

    def __call__(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        """Follow a sampling from its start, and let go of everything at its end, also where it is broken off."""
        from comfy.patcher_extension import WrappersMP, add_wrapper_with_key

        guider, sampling = executor.class_obj, Sampling(self.method)
        add_wrapper_with_key(WrappersMP.APPLY_MODEL, KEY, sampling.call, guider.model_options, is_model_options=True)
        try:
            return executor(*args, **kwargs)
        finally:
            sampling.end()
            guider.model_patcher.set_attachments(KEY, sampling.drawn)


def drawn_with(model: Any) -> Drawn:
    """Return what is told of the last sampling of a model.

    Raises:
        SpecError: if the model is not sped up.
    """
    drawn = model.get_attachment(KEY)
    if not isinstance(drawn, Drawn):
        raise tokred.SpecError("This model is not sped up: connect the model that goes into the sampler.")
    return drawn
