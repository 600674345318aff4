"""What is compared: a method or a baseline with its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tokred.baselines import Baseline, Calibrated
from tokred.engine.apply import apply
from tokred.engine.run import Run
from tokred.errors import SpecError, UnknownName
from tokred.method import Method
from tokred.registry import Registered, build_method, components, default_registry, read_method, written
from tokred.registry.parameters import check_parameters, parse_parameters

ContenderKind = Literal["method", "baseline"]
KINDS: tuple[ContenderKind, ...] = ("method", "baseline")


@dataclass(frozen=True)
class Contender:
    """A method or a baseline, ready to be applied.

    Attributes:
        name: the registered name, or the file of a method.
        kind: "method" or "baseline".
        params: its parameters, as they were given; the others have their defaults.
        entrant: the method or baseline itself.
    """

    name: str
    kind: ContenderKind
    params: Mapping[str, Any]
    entrant: Method | Baseline

    @property
    def label(self) -> str:
        """What tables and pictures call it, such as "dito ratio=0.5 interval=2"."""
        return " ".join([self.name, *(f"{name}={written(value)}" for name, value in self.params.items())])

    def steps(self, steps: int) -> int:
        """Return how many denoising steps it takes where the dense reference takes `steps`."""
        return steps if isinstance(self.entrant, Method) else self.entrant.steps(steps)

    def prepared(self, model: Any, generate: Callable[[], object]) -> Contender:
        """Return the contender with what it has to learn of `model`; `generate` draws what is not measured with it."""
        if not isinstance(self.entrant, Calibrated):
            return self
        return replace(self, entrant=self.entrant.calibrated(model, generate))

    @contextmanager
    def applied(self, model: Any) -> Iterator[Run | None]:
        """Make `model`, a pipeline or module, cheaper inside the `with` block; give a method's run.

        Raises:
            UnsupportedModel: if it does not fit the model.
            SpecError: likewise.
            ConflictError: if the model is patched already.
        """
        if isinstance(self.entrant, Method):
            with apply(model, self.entrant) as run:
                yield run
        else:
            with self.entrant.applied(model):
                yield None


def parse_contenders(texts: Sequence[str | Path | Method] = ()) -> list[Contender]:
    """Read what is to be compared, and check it.

    Args:
        texts: "NAME", which stands for all standard runs of a method or baseline (its component's `levels`), or
            "NAME:key=value,key=value", which is one run; the path of a .json file that `Method.save` wrote; or a
            method. Without any: every registered method and baseline.

    Raises:
        SpecError: if a name or parameter is unknown or out of range, or two of them are the same run.

    Examples:
        >>> parse_contenders(["tomesd:ratio=0.5"])[0].label
        'tomesd ratio=0.5'
    """
    found = [contender for text in texts or _known() for contender in _parse(text)]
    labels = [contender.label for contender in found]
    for label in labels:
        if labels.count(label) > 1:
            raise SpecError(f"The run '{label}' is asked for {labels.count(label)} times. Leave out all but one.")
    return found


def find_contender(name: str) -> Registered:
    """Return the method or baseline of that name.

    Raises:
        UnknownName: if there is none.
    """
    registry = default_registry()
    for kind in KINDS:
        if registry.built_in(kind, name.lower()):
            return registry.find(kind, name)
    known = _known()
    if name not in known:
        raise UnknownName("method or baseline", name, known)
    return known[name]


def contender_names() -> list[str]:
    """Return the names of all methods and baselines."""
    return list(_known())


def _known() -> dict[str, Registered]:
    """Return all methods, then all baselines, by name; a baseline cannot take a method's name."""
    baselines, methods = ({r.component.name: r for r in components(kind)} for kind in ("baseline", "method"))
    return methods | {name: baseline for name, baseline in baselines.items() if name not in methods}


def _parse(text: str | Path | Method) -> Iterator[Contender]:
    """Yield the runs that `text` stands for."""
    text = str(text) if isinstance(text, Path) else text
    if isinstance(text, Method):
        yield Contender(text.name, "method", {}, text)
        return
    name, colon, given = text.partition(":")
    if name.endswith(".json"):
        yield Contender(name, "method", {}, method_from_file(name, given))
        return
    registered = find_contender(name)
    component, name = registered.component, registered.component.name
    what = f"{component.kind} {name!r}"
    levels = [parse_parameters(what, registered.load(), given)] if colon else component.levels
    for params in levels:
        if component.kind == "method":
            yield Contender(name, "method", params, build_method(name, params))
        else:
            yield Contender(name, "baseline", params, _build_baseline(what, registered.load(), params))


def method_from_file(name: str, given: str) -> Method:
    """Read the method of a .json file, beside which no parameters may be given.

    Raises:
        SpecError: if it is not a method, or there are parameters.
    """
    if given:
        raise SpecError(f"--method {name}:{given}: a file takes no parameters. Change the file.")
    return read_method(name)


def _build_baseline(what: str, factory: Any, params: Mapping[str, Any]) -> Baseline:
    check_parameters(what, factory, params)
    baseline = factory(**params)
    if not isinstance(baseline, Baseline):
        raise SpecError(f"The factory of {what} returned {baseline!r}, which is not a tokred.baselines.Baseline.")
    return baseline
