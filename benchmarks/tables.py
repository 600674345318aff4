"""Write the measured tables into README and docs: `python benchmarks/tables.py [--check]`.

A page says where a table goes with a pair of comments, `<!-- table: FILE [NAME ...] -->` and `<!-- end -->`: FILE is a
result file under `docs/results`, the names are the methods to show, in that order (all of them where none is named).
With `--check` nothing is written, and a page whose table is not the one that its file gives is an error.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
BLOCK = re.compile(r"(<!-- table: (\S+)((?: [\w-]+)*) -->\n).*?(<!-- end -->)", re.DOTALL)


def interval(value: dict[str, float], digits: int) -> str:
    """Write a mean and its 95 % interval."""
    return f"{value['mean']:.{digits}f} ({value['low']:.{digits}f} to {value['high']:.{digits}f})"


def quality_table(results: dict[str, Any], names: list[str]) -> list[str]:
    """Return the lines of a benchmark's table."""
    rows = [row for name in names for row in results["rows"] if row["method"] == name] if names else results["rows"]
    return [
        "| method | compute | time | PSNR, dB | SSIM | LPIPS |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row['label']} | {row['compute']:.2f} | {row['time_ratio']['median']:.2f} | {interval(row['psnr'], 1)} "
            f"| {interval(row['ssim'], 3)} | {interval(row['lpips'], 3)} |"
            for row in rows
        ),
    ]


def time_table(results: dict[str, Any]) -> list[str]:
    """Return the lines of the table that compares time with compute."""
    return [
        "| method | compute | time |",
        "|---|---|---|",
        *(f"| {row['method']} | {row['compute']:.2f} | {row['time_ratio']:.2f} |" for row in results["rows"]),
    ]


def filled(page: str) -> str:
    """Return a page with each of its tables made anew."""

    def block(match: re.Match[str]) -> str:
        head, file, names, tail = match.groups()
        results = json.loads((RESULTS / file).read_text())
        lines = time_table(results) if "allowance" in results else quality_table(results, names.split())
        return head + "\n".join(lines) + "\n" + tail

    return BLOCK.sub(block, page)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a table is out of date")
    arguments = parser.parse_args()
    stale = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        page = path.read_text()
        if filled(page) != page:
            stale.append(str(path.relative_to(ROOT)))
            if not arguments.check:
                path.write_text(filled(page))
    print(f"out of date: {', '.join(stale) or 'none'}")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
