"""What a model's tokens say of each other from step to step, measured on dense generations."""

from tokred.analysis.persistence import Persistence, PersistenceMeter, recovery_error
from tokred.analysis.watch import Seen, watching

__all__ = ["Persistence", "PersistenceMeter", "Seen", "recovery_error", "watching"]
