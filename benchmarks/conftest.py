"""Options of the comparisons."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `compare_methods.py` takes."""
    group = parser.getgroup("tokred")
    group.addoption(
        "--method",
        action="append",
        default=[],
        metavar="NAME[:key=value,...]|FILE.json",
        help="method or baseline to compare; can be given more than once; default: every method",
    )
    group.addoption("--model", default="emoji-dit", metavar="NAME", help="trained model; see `tokred models`")
    group.addoption("--steps", type=int, default=8, help="denoising steps of a generation")
