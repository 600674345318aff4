"""The pipeline of the zoo's DiT models: diffusers' own `DiTPipeline`, on pixels, by rectified flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffusers import DiTPipeline, DiTTransformer2DModel, DPMSolverMultistepScheduler

from tokred.errors import UnknownName
from tokred.zoo.pixels import PixelAutoencoder


def build(config: dict[str, Any], classes: Sequence[str]) -> DiTTransformer2DModel:
    """See `tokred.zoo.families.Family`; `config` is that of `DiTTransformer2DModel`."""
    return DiTTransformer2DModel(**config | {"num_embeds_ada_norm": len(classes)})


def pipeline(model: DiTTransformer2DModel, classes: Sequence[str], size: int) -> DiTPipeline:
    """See `tokred.zoo.families.DrawingFamily`; `pipe.get_label_ids(["tiger"])` looks a class up.

    The sampler is DPM-Solver++ of order 1 on flow sigmas, which is Euler's rule for a rectified flow; `DiTPipeline`
    asks for `scale_model_input`, which `FlowMatchEulerDiscreteScheduler` does not have.
    """
    scheduler = DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0, solver_order=1
    )
    pipe = DiTPipeline(model, PixelAutoencoder(), scheduler, id2label=dict(enumerate(classes)))
    pipe.register_to_config(id2label=dict(enumerate(classes)))  # or `save_pretrained` would drop it
    pipe.set_progress_bar_config(disable=True)
    return pipe


def request(pipe: DiTPipeline, names: Sequence[str]) -> dict[str, Any]:
    """See `tokred.zoo.families.DrawingFamily`; `names` are classes.

    Raises:
        UnknownName: there is no such class.
    """
    for name in names:
        if name not in pipe.labels:
            raise UnknownName("class", name, pipe.labels)
    return {"class_labels": pipe.get_label_ids(list(names))}
