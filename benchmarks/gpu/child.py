"""A command in a process of its own, with an end and a log."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from jobs import Unfinished

ROOT = Path(__file__).parents[2]
TAIL = 3000


def run_child(command: Sequence[str | Path], seconds: float, log: Path) -> str:
    """Run a command from the repository's root; it and what it started are killed after `seconds`.

    Args:
        command: what to run; paths that are not absolute are taken from where this process runs.
        seconds: how long it may take.
        log: takes everything that it prints; its folder is made.

    Returns:
        The end of what it printed.

    Raises:
        RuntimeError: if it failed.
        Unfinished: if it was killed.
    """
    words = [str(word.absolute() if isinstance(word, Path) else word) for word in command]
    print(shlex.join(words), flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, start_new_session=True)
        try:
            code = process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            raise Unfinished(f"stopped after {seconds:.0f} s, see {log}") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    tail = log.read_text(errors="replace")[-TAIL:]
    if code:
        last = (tail.strip().splitlines() or ["it printed nothing"])[-1]
        raise RuntimeError(f"{last} (exit code {code}, see {log})")
    return tail
