"""What is to be looked at beside the results of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokred.bench.journal import FILE
from tokred.bench.page import PAGE, write_page
from tokred.bench.plots import write_pareto
from tokred.bench.result import Results
from tokred.bench.strip import write_strip
from tokred.bench.view import Exhibit
from tokred.metrics import Metric


def write_pictures(results: Results, exhibits: Sequence[Exhibit], metric: Metric, folder: Path) -> list[Path]:
    """Write the page, the Pareto plot and the strip of pictures; return their paths, and that of the results.

    A complete benchmark that is resumed shows nothing again: its page, which has pictures, stays.

    Args:
        results: what was measured, at least one run.
        exhibits: what was shown, the dense pictures first.
        metric: orders the runs.
        folder: where the results are.

    Raises:
        OutputError: if they cannot be written.
    """
    page = folder / PAGE
    if exhibits or not page.exists():
        write_page(results, exhibits, folder)
    strip = [write_strip(exhibits, metric, folder)] if exhibits else []
    return [page, folder / FILE, *write_pareto(results, metric, folder), *strip]
