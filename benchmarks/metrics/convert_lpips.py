"""Write the LPIPS weights that tokred ships: the published ones, in half precision.

The input holds torch's AlexNet convolutions as `conv_0.weight` ... `conv_4.bias` (OIHW) and the linear heads of LPIPS
v0.1 as `lin0` ... `lin4`, `[1, C, 1, 1]`. The same input always gives the same bytes, whose SHA-256 is printed:
`tokred.metrics.lpips.SHA256` must be it.

    python benchmarks/metrics/convert_lpips.py lpips_alex.safetensors zoo/tokred_zoo/lpips_alex.safetensors
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from safetensors.torch import load_file, save


def convert(source: Path, target: Path) -> str:
    """Write the tensors of `source` to `target` in half precision; return the SHA-256 of `target`."""
    content = save({name: tensor.half() for name, tensor in load_file(source).items()})
    target.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Convert the file that the command line names."""
    parser = argparse.ArgumentParser(description="Write the LPIPS weights that tokred ships, in half precision.")
    parser.add_argument("input", type=Path, help="safetensors file of the full-precision weights")
    parser.add_argument("output", type=Path, help="safetensors file to write")
    arguments = parser.parse_args()
    print(convert(arguments.input, arguments.output))


if __name__ == "__main__":
    main()
