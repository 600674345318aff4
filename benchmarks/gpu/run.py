"""Measure on a machine with a CUDA device: `python benchmarks/gpu/run.py [--only PART ...] [--out DIR] [--minutes 9]`.

Every finished measurement is a file of its own in the output folder. The same command, called again, does what is not
there yet; delete a file to have it measured again. `--only smoke` tries all of speed and compile at tiny sizes on the
CPU, in less than a minute.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

import compiled
import device_tests
import quality
import speed
import training
from deadline import Deadline
from jobs import Job, LeftOut, Options
from records import Records
from summary import summary
from work import work_through

PARTS = {
    "speed": speed.jobs,
    "compile": compiled.jobs,
    "tests": device_tests.jobs,
    "quality": quality.jobs,
    "train": training.jobs,
}
SMOKE = "smoke"


def parse() -> argparse.Namespace:
    """Read the command line; `smoke` becomes the parts and settings that it stands for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*PARTS, SMOKE],
        default=[*PARTS],
        metavar="PART",
        help=f"of {', '.join(PARTS)}; or {SMOKE}, alone",
    )
    parser.add_argument("--out", type=Path, default=Path("results/gpu"), help="folder for the records")
    parser.add_argument("--minutes", type=float, default=9.0, help="no measurement is begun that would end later")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--sizes", choices=["full", "tiny"], default="full", help="tiny: to try the command itself")
    parser.add_argument("--data", type=Path, help="folder with the arrays of the zoo's models, for the part train")
    arguments = parser.parse_args()
    if SMOKE in arguments.only:
        if arguments.only != [SMOKE]:
            parser.error(f"--only {SMOKE} stands alone: it has a device and sizes of its own")
        arguments.only, arguments.device, arguments.sizes = ["speed", "compile"], "cpu", "tiny"
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error(f"PyTorch sees no CUDA device here. To try the command, use --only {SMOKE}")
    return arguments


def main() -> None:
    arguments = parse()
    deadline = Deadline(arguments.minutes)
    options = Options(arguments.device, arguments.sizes, arguments.out, arguments.data)
    records = Records(arguments.out, arguments.device)
    jobs: list[Job] = []
    left_out: dict[str, str] = {}
    for part in arguments.only:
        try:
            jobs += PARTS[part](options)
        except LeftOut as why:
            left_out[part] = str(why)
    remain = work_through(sorted(jobs, key=lambda job: job.rank), records, deadline)
    text = summary(records.all(), remain, left_out)
    (arguments.out / "summary.txt").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
