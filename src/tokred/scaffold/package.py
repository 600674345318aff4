"""The files of a new plugin's package."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from string import Template

from tokred.errors import OutputError, SpecError
from tokred.registry import Kind, components

_NAME = re.compile(r"tokred-[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class _Written:
    """What differs from kind to kind.

    Attributes:
        summary: what the component in the template does.
        use: what the README says of using it.
        more: arguments of its `Component`.
        target: what the component's name becomes in Python.
    """

    summary: str
    use: str
    more: str = ""
    target: Callable[[str], str] = lambda component: component.title().replace("_", "")


_IN_A_METHOD = 'Use it by its name: `tokred.compose($kind="$component", ...)`.'
_OF_A_KIND: dict[Kind, _Written] = {
    "similarity": _Written("minus the distance of two tokens", _IN_A_METHOD),
    "matcher": _Written("remove the shortest tokens", _IN_A_METHOD),
    "scheduler": _Written(
        "a ratio that grows from step to step",
        'Use it by its name: `tokred.compose(scheduler="$component:ratio=0.5", ...)`.',
        more='\n        levels=({"ratio": 0.5},),',
    ),
    "recovery": _Written("the mean of copied and cached outputs", _IN_A_METHOD),
    "method": _Written(
        "average the nearest tokens before attention",
        'Use it as `tokred.apply(pipe, "$component", ratio=0.5)`; compare it with\n'
        "`tokred bench --model emoji-dit --method $component --method tomesd --out results`.",
        more='\n        levels=({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}),',
        target=str.lower,
    ),
    "family": _Written(
        "a transformer with rotary positions",
        "`tokred.apply` finds it by the model that it is given.",
        more='\n        hosts="tokred.testing.example:HOSTS",',
        target=str.upper,
    ),
}
KINDS = tuple(_OF_A_KIND)


def write_package(name: str, kind: Kind, folder: Path) -> list[Path]:
    """Write a package that installs, passes the contract suite and shows in `tokred plugins`.

    Args:
        name: of the distribution, such as "tokred-hello", which offers the component "hello".
        kind: of the component.
        folder: where the package's own folder is made.

    Returns:
        The files.

    Raises:
        SpecError: if the name is not a name for a plugin, or the component's is taken.
        OutputError: if there is something of that name already, or it cannot be written.
    """
    component = _component(name, kind)
    root, package = folder / name, f"tokred_{component}"
    if root.exists():
        raise OutputError(f"{root} is there already, and nothing was changed. Take another name, or move it away.")
    written = _OF_A_KIND[kind]
    fields = {
        "distribution": name,
        "package": package,
        "component": component,
        "kind": kind,
        "target": written.target(component),
        "tokred": metadata.version("tokred"),
        "summary": written.summary,
        "more": written.more,
    }
    fields["use"] = Template(written.use).substitute(fields)
    places = {
        root / "pyproject.toml": "pyproject.toml",
        root / "README.md": "README.md",
        root / package / "__init__.py": "init.py",
        root / package / f"{component}.py": f"{kind}.py",
        root / "tests" / f"test_{component}.py": "test.py",
    }
    try:
        for path, template in places.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_template(template).substitute(fields), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{root} cannot be written: {error}. Name a folder that you may write to.") from error
    return list(places)


def _component(name: str, kind: Kind) -> str:
    """Return the name of the component that a distribution offers."""
    if kind not in _OF_A_KIND:
        raise SpecError(f"kind={kind!r} is not known. Allowed: {', '.join(KINDS)}.")
    component = name.removeprefix("tokred-").replace("-", "_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(component):
        raise SpecError(
            f"{name!r} is not a name for a plugin. Write tokred- and words of small letters and digits, joined by "
            "hyphens, such as tokred-hello."
        )
    for registered in components(kind):
        if registered.component.name == component:
            raise SpecError(f"{kind} {component!r} is already provided by {registered.provider}. Take another name.")
    return component


def _template(name: str) -> Template:
    return Template((resources.files("tokred.scaffold") / "templates" / f"{name}.txt").read_text(encoding="utf-8"))
