"""The signal "clean"."""

from __future__ import annotations

from tokred.signals.model_output import ModelOutput


class Clean(ModelOutput):
    """The clean picture that the model's last output v foresees, `x - time * v` of its input x, the same for all sites.

    Rows of pictures that the model is given are these themselves. It is meant for flows, whose output is a velocity;
    after a step of Euler's method it is what the last step foresaw.
    """

    name = "clean"
    of_clean = True
