"""Model families as data: what a model is made of, and the sites that follow."""

from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred.family.cost import Cost
    from tokred.family.description import Attention, Family, Halves, Stack
    from tokred.interfaces import ClassToken
    from tokred.layout import Role


__all__ = ["Attention", "ClassToken", "Cost", "Family", "Halves", "Role", "Stack"]

__getattr__, __dir__ = lazily(__name__)
