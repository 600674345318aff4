"""What a method would give on a device that need not be there: `tokred.estimate`."""

from tokred.estimation.devices import DEVICES, Device
from tokred.estimation.models import MODELS, RealModel

__all__ = ["DEVICES", "MODELS", "Device", "RealModel"]
