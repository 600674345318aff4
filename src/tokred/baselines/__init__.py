"""What token reduction has to beat: other ways to spend less time, in the same tables."""

from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred.baselines.baseline import Baseline, Calibrated
    from tokred.baselines.db_cache import DBCache
    from tokred.baselines.faster_cache import FasterCache
    from tokred.baselines.fewer_steps import FewerSteps
    from tokred.baselines.first_block_cache import FirstBlockCache
    from tokred.baselines.mag_cache import MagCache
    from tokred.baselines.pyramid_attention_broadcast import PyramidAttentionBroadcast
    from tokred.baselines.sea_cache import SeaCache
    from tokred.baselines.spectrum import Spectrum
    from tokred.baselines.taylor_seer import TaylorSeer
    from tokred.baselines.zeus import Zeus

__all__ = [
    "Baseline",
    "Calibrated",
    "DBCache",
    "FasterCache",
    "FewerSteps",
    "FirstBlockCache",
    "MagCache",
    "PyramidAttentionBroadcast",
    "SeaCache",
    "Spectrum",
    "TaylorSeer",
    "Zeus",
]

__getattr__, __dir__ = lazily(__name__)
