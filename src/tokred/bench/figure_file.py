"""Figures as files."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from tokred.bench.files import replacing

SVG = {"svg.hashsalt": "tokred", "svg.fonttype": "none"}  # equal figures are equal files, with text as text


def write_figure(figure: Figure, name: str, folder: Path) -> list[Path]:
    """Write `name`.png and `name`.svg into `folder`; return their paths.

    Raises:
        OutputError: if they cannot be written.
    """
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    for path, metadata in zip(paths, ({}, {"Date": None}), strict=True):
        with replacing(path) as temporary, mpl.rc_context(SVG):
            figure.savefig(temporary, dpi=150, metadata=metadata)
    return paths
