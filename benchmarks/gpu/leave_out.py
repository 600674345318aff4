"""Say which folders to leave out where a checkout has to be small: `python benchmarks/gpu/leave_out.py [MIB]`.

None of them is needed to measure: they hold earlier results, and the trained models unless `quality` is asked for.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPARE = ("docs/results", "docs/examples", "docs/models", "docs/analysis", "zoo", "benchmarks/zoo")
"""In the order in which they are missed least."""
MIB = 2**20


def main() -> None:
    """Print folders until what is left fits."""
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else 64.0
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    sizes = {name: (ROOT / name).stat().st_size for name in listed.splitlines() if (ROOT / name).is_file()}
    left = sum(sizes.values())
    for folder in SPARE:
        if left <= limit * MIB:
            break
        left -= sum(size for name, size in sizes.items() if name.startswith(f"{folder}/"))
        print(folder)
    print(f"{left / MIB:.0f} MiB are left.", file=sys.stderr)


if __name__ == "__main__":
    main()
