"""Where the trained models and the weights of LPIPS lie: in `tokred-zoo`, a package of files alone."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "tokred_zoo"
INSTALL = "Install tokred-zoo, of the same version: `pip install ./zoo` in a checkout of tokred."


def folder() -> Path:
    """Return the folder of the package, or where it would lie beside tokred if it is not installed."""
    spec = find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else Path(__file__).parents[2] / PACKAGE
