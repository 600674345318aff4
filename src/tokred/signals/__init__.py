"""The signals that come with tokred. One of your own is a class that inherits from `tokred.Signal`."""

from __future__ import annotations

from tokred.errors import SpecError, UnknownName
from tokred.interfaces import Signal
from tokred.signals.block_input import BlockInput
from tokred.signals.class_attention import ClassAttention, ClassAttentionAndKey, Significance
from tokred.signals.clean import Clean
from tokred.signals.drift import Drift
from tokred.signals.error import Error
from tokred.signals.input import Input
from tokred.signals.key import Key, KeyAndInput
from tokred.signals.model_output import ModelOutput
from tokred.signals.model_spread import ModelSpread
from tokred.signals.output import Output
from tokred.signals.projection import Projection
from tokred.signals.value import Value

__all__ = [
    "BUILT_IN",
    "BlockInput",
    "ClassAttention",
    "ClassAttentionAndKey",
    "Clean",
    "Drift",
    "Error",
    "Input",
    "Key",
    "KeyAndInput",
    "ModelOutput",
    "ModelSpread",
    "Output",
    "Projection",
    "Signal",
    "Significance",
    "Value",
    "as_signal",
]

_KINDS: tuple[type[Signal], ...] = (
    Input,
    BlockInput,
    Projection,
    Key,
    KeyAndInput,
    Value,
    ClassAttention,
    ClassAttentionAndKey,
    Significance,
    Output,
    Drift,
    Error,
    ModelOutput,
    ModelSpread,
    Clean,
)
BUILT_IN: dict[str, Signal] = {kind.name: kind() for kind in _KINDS}
"""Every signal that comes with tokred, by name."""


def as_signal(signal: Signal | str) -> Signal:
    """Return a signal, found by its name where one is given that comes with tokred.

    Those of plugins are found by the registry: where a part is written as text or JSON, and by `tokred.compose`.

    Raises:
        UnknownName: if no signal that comes with tokred has that name.
        SpecError: if it is neither a name nor a signal.
    """
    if isinstance(signal, Signal):
        return signal
    if not isinstance(signal, str):
        raise SpecError(
            f"signal={signal!r} is not a signal. Give the name of one ({', '.join(BUILT_IN)}), or an object of a class "
            "that inherits from tokred.Signal."
        )
    if signal not in BUILT_IN:
        note = "A plugin's signal is given to a part as an object, or by its name in a spec and in tokred.compose."
        raise UnknownName("signal", signal, BUILT_IN, note)
    return BUILT_IN[signal]
