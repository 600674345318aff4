"""Which metrics a benchmark takes: tokred's own that fit, and others by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tokred.bench.result import Results
from tokred.errors import SpecError, UnknownName
from tokred.metrics import Against, Metric, Outputs
from tokred.registry import Registered, components, default_registry
from tokred.registry.parameters import parse_parameters

Targets = Mapping[Against, Any]
"""What a batch of outputs can be compared with: tensors `[B, ...]`, and prompts as a list."""


def known_metric(text: str) -> Metric:
    """Return the registered metric of that name; other packages are only looked at where tokred has none.

    Args:
        text: "NAME", or "NAME:key=value,..." for one that takes parameters, such as its weights.

    Raises:
        UnknownName: if there is none, or no such parameter.
        SpecError: if it is no `tokred.metrics.Metric` of that name, or takes no parameters.
    """
    name, _, given = text.partition(":")
    return _metric(default_registry().find("metric", name), given)


def listed_metrics() -> list[tuple[Registered, Metric]]:
    """Return every registered metric with its component, tokred's own first."""
    return [(registered, _metric(registered)) for registered in components("metric")]


def metrics_for(outputs: Outputs, against: Sequence[Against] = ("dense",), more: Iterable[str] = ()) -> list[Metric]:
    """Return tokred's own metrics that need nothing and fit, and more of them by name, each ready to be computed.

    Args:
        outputs: what is measured.
        against: what it can be compared with.
        more: of other packages, or made by weights, as `known_metric` takes them.

    Raises:
        UnknownName: if there is no metric of a name.
        SpecError: if one that is named does not fit.
        WeightsError: if what a metric needs is missing or corrupt.
    """
    named = [known_metric(name) for name in more]
    for metric in named:
        if not _fits(metric, outputs, against):
            raise SpecError(
                f"Metric {metric.name!r} takes {metric.of} and compares them with the {metric.against}; here are "
                f"{outputs}, and of what they can be compared with: {', '.join(against)}. Leave it out."
            )
    own = [metric for metric in _own() if _fits(metric, outputs, against)]
    found = list({metric.name: metric for metric in (*own, *named)}.values())
    for metric in found:
        metric.load()  # so that what is missing is said before anything runs
    return found


def find_metric(results: Results, name: str | None = None) -> Metric:
    """Return the metric of that name, or the first one, of those that were measured for `results`.

    Raises:
        UnknownName: if it was not measured, or is not registered.
    """
    measured = list(dict.fromkeys(name for row in results.rows for name in row.scores))
    if name is None and measured:
        name = measured[0]
    if name not in measured:
        raise UnknownName("metric of these results:", name or "", measured)
    return known_metric(name)


def _own() -> list[Metric]:
    registry = default_registry()
    return [metric for registered in registry.own("metric") if isinstance(metric := registered.load(), Metric)]


def _fits(metric: Metric, outputs: Outputs, against: Sequence[Against]) -> bool:
    frames = (outputs, metric.of) == ("clips", "pictures")
    return (metric.of == outputs or frames) and metric.against in against


def _metric(registered: Registered, given: str = "") -> Metric:
    component, metric = registered.component, registered.load()
    if not isinstance(metric, Metric) and callable(metric):
        metric = metric(**parse_parameters(f"metric {component.name!r}", metric, given))
    elif given:
        raise SpecError(f"Metric {component.name!r} takes no parameters, and was given {given}. Leave them out.")
    if not isinstance(metric, Metric) or metric.name != component.name:
        raise SpecError(
            f"{component.target} of {registered.provider} is {metric!r}: it must be a tokred.metrics.Metric with the "
            f"name {component.name!r}."
        )
    return metric
