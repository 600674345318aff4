"""A node that cannot do what it is asked, in a workflow whose other branches can go on."""

from __future__ import annotations

from comfy_api.latest import io, ui

from tokred import TokredError


def refusal(error: TokredError) -> io.NodeOutput:
    """Return an output that stops what depends on the node, and nothing else, with the reason in one sentence."""
    why = sentence(error)
    return io.NodeOutput(None, ui=ui.PreviewText(why), block_execution=why)


def sentence(error: TokredError) -> str:
    """Return the first sentence of an error's message."""
    first, period, _ = str(error).partition(". ")
    return first + period.strip()
