"""The pipeline of the zoo's DiT models: diffusers' own `DiTPipeline`, on pixels, by rectified flow."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import DiTPipeline, DiTTransformer2DModel, DPMSolverMultistepScheduler

from tokred.errors import SpecError
from tokred.zoo.pixels import PixelAutoencoder


def dit_pipeline(transformer: DiTTransformer2DModel, classes: Sequence[str]) -> DiTPipeline:
    """Build the pipeline that samples `transformer`, trained to predict `noise - picture`.

    The sampler is DPM-Solver++ of order 1 on flow sigmas, which is Euler's rule for a rectified flow; `DiTPipeline`
    asks for `scale_model_input`, which `FlowMatchEulerDiscreteScheduler` does not have.

    Args:
        transformer: the network.
        classes: the name of each class label, in order; `pipe.get_label_ids(["tiger"])` looks them up.
    """
    scheduler = DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0, solver_order=1
    )
    pipe = DiTPipeline(transformer, PixelAutoencoder(), scheduler, id2label=dict(enumerate(classes)))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generate(pipe: DiTPipeline, seeds: Sequence[int], steps: int, guidance: float = 1.0) -> torch.Tensor:
    """Draw one picture `[3, H, W]` for each seed; see `ZooModel.generate`.

    Args:
        pipe: what `dit_pipeline` built.
        seeds: `B` integers; each has its own generator and the class `seed % classes`.
        steps: number of denoising steps, at least 1.
        guidance: guidance scale; 1.0 is none.

    Returns:
        Pictures `[B, 3, H, W]` in [0, 1], float32, on the CPU.
    """
    if len(seeds) == 0:
        raise SpecError("seeds=[] draws nothing. Give at least one integer; each one draws a picture.")
    if steps < 1:
        raise SpecError(f"steps={steps} must be at least 1. It is the number of denoising steps.")
    classes = pipe.transformer.config.num_embeds_ada_norm
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    labels = [seed % classes for seed in seeds]
    pictures: torch.Tensor = pipe(
        labels, guidance_scale=guidance, generator=generators, num_inference_steps=steps, output_type="pt"
    ).images
    return pictures.float().cpu()
