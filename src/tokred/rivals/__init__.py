"""What token reduction has to beat: other ways to spend less time, in the same tables."""

from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred.rivals.faster_cache import FasterCache
    from tokred.rivals.fewer_steps import FewerSteps
    from tokred.rivals.first_block_cache import FirstBlockCache
    from tokred.rivals.mag_cache import MagCache
    from tokred.rivals.pyramid_attention_broadcast import PyramidAttentionBroadcast
    from tokred.rivals.rival import Calibrated, Rival
    from tokred.rivals.taylor_seer import TaylorSeer


__all__ = [
    "Calibrated",
    "FasterCache",
    "FewerSteps",
    "FirstBlockCache",
    "MagCache",
    "PyramidAttentionBroadcast",
    "Rival",
    "TaylorSeer",
]

__getattr__, __dir__ = lazily(__name__)
