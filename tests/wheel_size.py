"""The wheel of tokred stays small: `python tests/wheel_size.py FOLDER`. The trained models are in another."""

import sys
from pathlib import Path

LARGEST = 5_000_000
wheels = list(Path(sys.argv[1]).glob("tokred-[0-9]*.whl"))
sizes = {wheel.name: wheel.stat().st_size for wheel in wheels}
print(sizes)
sys.exit(not sizes or max(sizes.values()) > LARGEST)
