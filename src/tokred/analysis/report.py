"""An analysis as a folder: its file, its page and its plots."""

from __future__ import annotations

from pathlib import Path

from tokred.analysis.analysis_file import FILE, write_analysis
from tokred.analysis.analyze import Findings
from tokred.analysis.page import page
from tokred.analysis.pictures import failures_figure, frequency_figure
from tokred.analysis.plots import correlations_figure, errors_figure, layers_figure, pairs_figure
from tokred.bench.files import replacing

DPI = 110
PAGE = "index.md"


def write_report(findings: Findings, folder: Path) -> list[Path]:
    """Write an analysis into a folder that exists; return the paths of its files.

    Raises:
        OutputError: if they cannot be written.
    """
    analysis = findings.analysis
    figures = {
        "correlations": correlations_figure(analysis),
        "layers": layers_figure(analysis),
        "pairs": pairs_figure(analysis),
        "errors": errors_figure(analysis),
        "frequency": frequency_figure(findings),
        "failures": failures_figure(findings),
    }
    write_analysis(analysis, folder / FILE)
    with replacing(folder / PAGE) as temporary:
        temporary.write_text(page(analysis), encoding="utf-8")
    for name, figure in figures.items():
        with replacing(folder / f"{name}.png") as temporary:
            figure.savefig(temporary, dpi=DPI, format="png")
    return [folder / FILE, folder / PAGE, *(folder / f"{name}.png" for name in figures)]
