"""A whole benchmark as a file of YAML or JSON: what the command line says, key by key.

```yaml
model: ./my-flux
prompts: prompts.txt
methods:
  - balanced
  - dito:ratio=0.5
  - delta: {ratio: 0.9, stride: [4, 4], interval: 3}
samples: 16
out: results/mine
```
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from tokred.bench.files import replacing
from tokred.errors import OutputError, SpecError, UnknownName
from tokred.plain import read_plain

NAME = "run.yaml"
"""What it is called beside results."""
LISTS = ("methods", "against", "metrics")
"""Keys that hold a list, of which one entry may stand alone."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The keys of a file that say what is measured, as texts; see `tokred.bench.sources.Source`."""

    model: str
    revision: str | None = None
    variant: str | None = None
    prompts: str | None = None
    data: str | None = None
    size: str | None = None
    frames: int | None = None
    call: dict[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    device: str = "cpu"
    offload: str = "none"
    batch: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunFile:
    """What `tokred bench` is asked for; each key is an option of the command, and paths are read as there.

    Attributes:
        asked: what is measured; its keys stand beside the others in the file.
        methods: what is compared, each as --method takes it, or a name with its parameters below it; all that fit
            where there are none.
        against: what the others are compared with, sample by sample.
        metrics: more metrics than tokred's own.
        steps: denoising steps; None for what the model is meant for.
        samples: that each run is measured on; None likewise.
        seed: of the first sample.
        pairs: how often dense and method are timed.
        out: folder of the results.
    """

    asked: Asked
    methods: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    steps: int | None = None
    samples: int | None = None
    seed: int = 0
    pairs: int = 3
    out: str = "results"

    @classmethod
    def of(cls, values: Mapping[str, Any], where: str) -> Self:
        """Check values by key; what is not given has its default.

        Args:
            values: plain data, as YAML and JSON have it.
            where: what messages call it, such as the file's name.

        Raises:
            SpecError: if a key is unknown, a value is of another type, or there is no model.
        """
        known = cls._defaults()
        for key in values:
            if key not in known:
                raise UnknownName(f"key of {where}:", str(key), known)
        if "model" not in values:
            raise SpecError(f"{where} names no model. Say which by `model: NAME`, or by --model.")
        plain = {key: _listed(key, value, where) if key in LISTS else value for key, value in values.items()}
        whole = known | plain
        asked = {each.name: whole.pop(each.name) for each in dataclasses.fields(Asked)}
        read_plain(Asked, asked, where)  # so that what is wrong there is said as it stands in the file
        found: Self = read_plain(cls, whole | {"asked": asked}, where)
        return found

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return cls(asked=Asked(model="")).written() | {name: [] for name in LISTS}

    def written(self) -> dict[str, Any]:
        """Return it as plain data, as `of` takes it."""
        values = dataclasses.asdict(self)
        values = values.pop("asked") | values
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; keys that have their defaults are left out.

        Raises:
            OutputError: if it cannot be written.
        """
        defaults = self._defaults()
        values = {key: value for key, value in self.written().items() if key == "model" or value != defaults[key]}
        with replacing(path) as temporary:
            temporary.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")


def read_values(path: Path) -> dict[str, Any]:
    """Read what a file says, by key; `RunFile.of` checks it.

    Raises:
        SpecError: if it cannot be read, or is not YAML or JSON of keys and values.
    """
    if path.suffix not in (".yaml", ".yml", ".json"):
        raise SpecError(f"{path} must be a .yaml or .json that describes a benchmark.")
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path} cannot be read: {error}. Name a .yaml or .json that describes a benchmark.") from error
    except (yaml.YAMLError, ValueError) as error:
        said = " ".join(str(error).split())
        raise SpecError(f"{path} is not valid {'JSON' if path.suffix == '.json' else 'YAML'}: {said}.") from error
    if not isinstance(values, dict):
        raise SpecError(f"{path} must hold keys with values, such as `model: emoji-flux`, not {values!r}.")
    return values


def check_place(run: RunFile, read: Path | None, changed: bool) -> None:
    """Refuse to write over the file that a run was read from, where options say something else than it.

    Raises:
        OutputError: if the file lies where the run's own would be written.
    """
    place = Path(run.out) / NAME
    if read and changed and place.exists() and place.samefile(read):
        raise OutputError(f"{read} would be written over with what the options change. Name another folder by --out.")


def _listed(key: str, value: Any, where: str) -> Any:
    """Return a list of texts for a list of texts and of names with parameters, or for one of these alone."""
    entries = value if isinstance(value, list | tuple) else [value]
    return [_text(entry, f"{where}.{key}[{place}]") for place, entry in enumerate(entries)]


def _text(entry: Any, where: str) -> Any:
    """Write {NAME: {key: value}} as NAME:key=value,... does."""
    if not isinstance(entry, dict):
        return entry
    if len(entry) != 1 or not isinstance(next(iter(entry.values())), dict):
        raise SpecError(f"{where} must be a text, or one name with its parameters, such as dito: {{ratio: 0.5}}.")
    ((name, params),) = entry.items()
    return f"{name}:" + ",".join(f"{key}={_value(value, f'{where}.{name}.{key}')}" for key, value in params.items())


def _value(value: Any, where: str) -> str:
    """Write a parameter, every digit of it."""
    if isinstance(value, list):
        joint = "x" if all(type(item) is int for item in value) else "+"
        return joint.join(_value(item, where) for item in value)
    if not isinstance(value, bool | int | float | str):
        raise SpecError(f"{where} must be a number, a text, true or false, or a list of these, not {value!r}.")
    return str(value).lower() if isinstance(value, bool) else str(value)
