"""The extras: packages that are installed where they are asked for, and the sentence where one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tokred.errors import MissingPackage

CLI = frozenset({"rich", "typer"})
PLOT = frozenset({"matplotlib"})
EXTRAS = {
    "cli": CLI,
    "plot": PLOT,
    "bench": CLI | PLOT | {"PIL", "diffusers", "timm", "yaml"},
    "cache-dit": frozenset({"cache_dit"}),
    "pandas": frozenset({"pandas"}),
    "ray": frozenset({"ray"}),
}
"""The modules that each extra brings, beyond what the core needs."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Name the extra to install where an import inside the `with` block finds one of its modules missing.

    Args:
        name: one of `EXTRAS`.

    Raises:
        MissingPackage: in place of the `ModuleNotFoundError`; those of other modules are left as they are.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS[name]:
            raise
        raise MissingPackage(
            f"This needs {missing}, which is not installed. Run: pip install 'tokred[{name}]'"
        ) from error
