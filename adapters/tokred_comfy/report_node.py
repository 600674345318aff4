"""The node `tokred: report`."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from tokred import TokredError

from .patching import drawn_with
from .pictures import picture_of
from .refusal import refusal


class ReportNode(io.ComfyNode):  # type: ignore[misc]
    """Says what the last sampling of a model computed."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="TokredReport",
            display_name="tokred: report",
            category="tokred",
            description="What was computed. Connect the sampler's latent, so that it waits for it, and its model.",
            inputs=[io.Model.Input("model"), io.Latent.Input("latent")],
            outputs=[
                io.Latent.Output(),
                io.String.Output(display_name="report"),
                io.Image.Output(
                    display_name="map", tooltip="Tokens that are kept are light; or steps that are computed."
                ),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, model: Any, latent: Any) -> io.NodeOutput:
        """Return the latent as it is, the report, and the picture of it."""
        try:
            drawn = drawn_with(model)
        except TokredError as error:
            return refusal(error)
        return io.NodeOutput(latent, drawn.text, picture_of(drawn), ui=ui.PreviewText(drawn.text))
