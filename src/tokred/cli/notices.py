"""What a terminal shows of warnings: tokred's own, one line each, once; nothing that host libraries say."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

QUIET = ("torch", "diffusers", "timm", "transformers", "huggingface_hub")


def shorten_warnings() -> None:
    """Print each warning of this process as one line without a file name, and ask host libraries for errors only."""
    for name in ("DIFFUSERS_VERBOSITY", "TRANSFORMERS_VERBOSITY"):
        os.environ.setdefault(name, "error")
    warnings.filterwarnings("ignore", module=rf"({'|'.join(QUIET)})\b")
    seen: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        text = " ".join(str(message).split())
        if text not in seen:
            seen.add(text)
            print(text if text.startswith("tokred") else f"tokred: warning: {text}", file=sys.stderr)

    warnings.showwarning = show
