"""Model families as data: what a model is made of, and the sites that follow."""

from tokred.family.cost import Cost
from tokred.family.description import Attention, Family, Halves, Stack
from tokred.interfaces import ClassToken

__all__ = ["Attention", "ClassToken", "Cost", "Family", "Halves", "Stack"]
