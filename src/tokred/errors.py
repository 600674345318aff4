"""The errors that tokred raises.

```
TokredError
├── SpecError            a wrong name or parameter (also a ValueError)
│   └── UnknownName      a name that nothing is registered under
├── UnsupportedModel     no adapter knows the model, or the model cannot do what was asked
├── ConflictError        the model is already patched, or a diffusers cache is enabled on it
├── WeightsError         a weights file is missing or corrupt
├── OutputError          results cannot be written
├── MissingPackage       a package that an extra brings is not installed (also an ImportError)
└── PluginError          a plugin failed, in strict mode
```

and the one warning that has a category of its own, `SlowerWarning`.

Each message says what was wrong with which value, what is allowed, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TokredError(Exception):
    """Base of every error that tokred raises on purpose."""


class SpecError(TokredError, ValueError):
    """A name or parameter is wrong; nothing was changed."""


class UnknownName(SpecError):
    """Nothing is registered under a name.

    Args:
        kind: what was looked for, such as "method".
        name: the name that was given.
        known: the names that exist.
        note: a sentence to add, such as a plugin that failed to load.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], note: str = "") -> None:
        known = sorted(known)
        spelt = {each.lower(): each for each in known}
        close = difflib.get_close_matches(name.lower(), spelt, n=1)
        hint = f" Did you mean {spelt[close[0]]!r}?" if close else ""
        names = ", ".join(known) or "none"
        super().__init__(f"Unknown {kind} {name!r}. Known: {names}.{hint}{' ' + note if note else ''}")


class UnsupportedModel(TokredError):
    """No adapter knows the model, or its family cannot do what was asked; nothing was changed."""


class ConflictError(TokredError):
    """Something else already patches the model; nothing was changed."""


class WeightsError(TokredError):
    """A weights file is missing or is not the one that was published."""


class OutputError(TokredError):
    """A result cannot be written where it should go."""


class MissingPackage(TokredError, ImportError):
    """A package that one of tokred's extras brings is not installed."""


class PluginError(TokredError):
    """A plugin failed to load, and strict mode was asked for."""


class SlowerWarning(UserWarning):
    """A method is estimated to make a model slower on the CUDA device that it is on.

    Switched off by `warnings.filterwarnings("ignore", category=tokred.SlowerWarning)`.
    """
