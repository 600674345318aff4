"""What a benchmark or a demo comes to, for someone who reads one line."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from tokred.bench.result import Results, Row

UNSEEN = 40
"""Whole dB of PSNR from which nobody tells the two pictures apart side by side: our choice."""
CLOSE = 30
"""Whole dB of PSNR from which they differ in details only."""


def verdict(speedup: float, psnr: float) -> str:
    """Say how much faster a picture was drawn, and how close: "2.2x faster, 57 dB: no visible difference".

    Args:
        speedup: dense time over the time it took.
        psnr: against the dense picture, in dB.
    """
    speed = f"{speedup:.1f}x faster" if speedup >= 1 else f"{1 / speedup:.1f}x slower"
    return f"{speed}, {psnr:.0f} dB: {_seen(psnr)}"


def advice(results: Results) -> str:
    """Say which run to use: the fastest without a visible difference, or the closest where all have one."""
    unseen = [row for row in results.rows if round(_psnr(row)) >= UNSEEN and row.time_ratio.median < 1]
    best = min(unseen, key=lambda row: row.time_ratio.median) if unseen else max(results.rows, key=_psnr)
    said = f"{best.label}: {verdict(1 / best.time_ratio.median, _psnr(best))}."
    return f"Use {said}" if unseen else f"No run saves time without a visible difference. The closest is {said}"


def summary_table(results: Results) -> Table:
    """Lay out the seconds of a picture, speedup and PSNR of dense and of every run, fastest first."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", overflow="fold")
    for head in ("seconds", "speedup", "PSNR, dB"):
        table.add_column(head, justify="right")
    seconds = results.dense.seconds / results.settings.timing_batch
    table.add_row("dense", f"{seconds:.2f}", "1.0x", "")
    for row in sorted(results.rows, key=lambda row: row.time_ratio.median):
        ratio = row.time_ratio.median
        table.add_row(Text(row.label), f"{seconds * ratio:.2f}", f"{1 / ratio:.1f}x", f"{_psnr(row):.1f}")
    return table


def _psnr(row: Row) -> float:
    return row.scores["psnr"].mean


def _seen(psnr: float) -> str:
    if round(psnr) >= UNSEEN:
        return "no visible difference"
    return "small differences" if round(psnr) >= CLOSE else "visible differences"
