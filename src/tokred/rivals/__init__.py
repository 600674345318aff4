"""What token reduction has to beat: other ways to spend less time, in the same tables."""

from tokred.rivals.fewer_steps import FewerSteps
from tokred.rivals.rival import Rival

__all__ = ["FewerSteps", "Rival"]
