"""The node `tokred: speed up`."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from tokred import TokredError
from tokred.registry import build_method

from .limits import limited
from .methods import DEFAULT, offered
from .patching import sped_up
from .refusal import refusal


class SpeedUpNode(io.ComfyNode):  # type: ignore[misc]
    """Makes a model faster by a method with its usual parameters."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        methods = [method.component.name for method in offered()]
        return io.Schema(
            node_id="TokredSpeedUp",
            display_name="tokred: speed up",
            category="tokred",
            description="Computes fewer model calls, or fewer tokens in each. Connect the model to the sampler.",
            inputs=[
                io.Model.Input("model"),
                io.Combo.Input(
                    "method",
                    options=methods,
                    default=DEFAULT,
                    tooltip="quality, balanced and fast skip whole steps on any model; the others remove tokens.",
                ),
                _share("strength", 1.0, "Of the skipped steps, or of the ratio; 0 leaves the model alone."),
                _share("start", 0.0, "Share of the steps before it begins."),
                _share("end", 1.0, "Share of the steps at which it ends."),
            ],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model: Any, method: str, strength: float, start: float, end: float) -> io.NodeOutput:
        """Return the model with the method on it."""
        if strength == 0:
            return io.NodeOutput(model)
        try:
            return io.NodeOutput(sped_up(model, limited(build_method(method, {}), start, end, strength)))
        except TokredError as error:
            return refusal(error)


def _share(name: str, default: float, tooltip: str) -> io.Float.Input:
    return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.05, tooltip=tooltip)
