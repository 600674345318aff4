"""The node `tokred: method`."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from tokred import TokredError

from .methods import made_of, options
from .patching import sped_up
from .refusal import refusal


class MethodNode(io.ComfyNode):  # type: ignore[misc]
    """Makes a model faster by any method, with its parameters as widgets."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="TokredMethod",
            display_name="tokred: method",
            category="tokred",
            description="Any method of tokred with its own parameters. Connect the model to the sampler.",
            inputs=[io.Model.Input("model"), io.DynamicCombo.Input("method", options=options())],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model: Any, method: dict[str, Any]) -> io.NodeOutput:
        """Return the model with the method on it."""
        try:
            return io.NodeOutput(sped_up(model, made_of(method)))
        except TokredError as error:
            return refusal(error)
