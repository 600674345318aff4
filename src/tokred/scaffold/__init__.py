"""Writes the package of a new plugin."""

from tokred.scaffold.package import KINDS, write_package

__all__ = ["KINDS", "write_package"]
