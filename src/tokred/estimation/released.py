"""Released models, whose weights nobody needs to have."""

from __future__ import annotations

from torch._subclasses.fake_tensor import FakeTensorMode

from tokred.estimation.looped import Looped
from tokred.estimation.models import RealModel
from tokred.estimation.workbench import Workbench


def pretended(model: RealModel, pixels: int, steps: int, tiny: bool = False) -> Looped:
    """Make a model of real size, or tiny, on a CUDA device; neither it nor the device is there."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        loop = Workbench("cuda", tiny, steps).subject(model, pixels)
        arguments = ({**loop.arguments, **loop.moments[0]},)
        weights = sum(weight.numel() * weight.element_size() for weight in loop.model.parameters())
        return Looped(loop.model, arguments, steps, loop.layout, loop.batch, weights, mode)
