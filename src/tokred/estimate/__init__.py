"""What a method would give on a device that need not be there: `tokred.estimate.estimate`.

The models' classes are imported by whoever asks, since they are other packages'.
"""

from tokred.estimate.devices import DEVICES, Device
from tokred.estimate.models import MODELS, RealModel

__all__ = ["DEVICES", "MODELS", "Device", "RealModel"]
