"""A report as a notebook shows it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tokred.data_uri import mask_uri

if TYPE_CHECKING:
    from tokred.engine.report import Report

TABLE = """\
<div style="max-height:30em;overflow:auto">
<table>
<caption style="text-align:left">{title}</caption>
<tr><th>step</th><th style="text-align:left">what</th><th>tokens</th><th>share</th><th>{site}</th></tr>
{rows}
</table>
<p style="white-space:pre-line">{notes}</p>
</div>"""
ROW = (
    '<tr><td>{step}</td><td style="text-align:left">{what}</td><td>{tokens}</td><td>{share:.0%}</td><td>{map}</td></tr>'
)
MAP = '<img src="{uri}" alt="kept tokens" style="height:2.5em;image-rendering:pixelated;border:1px solid #888">'


def report_html(report: Report) -> str:
    """Lay out what each step computed: a row with its token counts, and a map whose removed tokens are dark."""
    maps = {each.step: each for each in report.token_maps}
    site = next(iter(maps.values())).site if maps else ""
    rows = [
        ROW.format(
            step=step,
            what=escape(row.what),
            tokens=f"{row.computed:,} of {row.tokens:,}",
            share=report.computed[step],
            map=MAP.format(uri=mask_uri(maps[step].kept)) if step in maps else "",
        )
        for step, row in report.steps.items()
    ]
    title, *notes = report.summary
    return TABLE.format(title=escape(title), site=escape(site), rows="\n".join(rows), notes=escape("\n".join(notes)))
