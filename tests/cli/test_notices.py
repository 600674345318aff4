"""Warnings on a terminal, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import warnings
from tokred.cli.notices import shorten_warnings
shorten_warnings()
warnings.simplefilter("always", UserWarning)
for line in range(2):
    warnings.warn("tokred: nothing was\\nreduced")
    warnings.warn("from elsewhere")
warnings.warn_explicit("too old", FutureWarning, "x.py", 1, module="diffusers.models")
"""


def test_each_is_one_line_without_a_file_name_and_comes_once() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["tokred: nothing was reduced", "tokred: warning: from elsewhere"]
