"""tokred: token reduction for image transformers, composed from parts, undone in one line, measured honestly."""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred import errors, interfaces, parts, signals
    from tokred.engine.apply import apply
    from tokred.engine.report import Report
    from tokred.engine.run import Run, remove
    from tokred.engine.steps import step
    from tokred.engine.token_map import TokenMap, token_map
    from tokred.errors import (
        ConflictError,
        MissingPackage,
        OutputError,
        PluginError,
        SlowerWarning,
        SpecError,
        TokredError,
        UnknownName,
        UnsupportedModel,
        WeightsError,
    )
    from tokred.estimation.estimate import estimate
    from tokred.estimation.result import Estimate
    from tokred.family import Attention, Cost, Family, Halves, Stack
    from tokred.interfaces import (
        ClassToken,
        Matcher,
        Phase,
        Place,
        Plan,
        Probe,
        Recovery,
        Remembered,
        Scheduler,
        Signal,
        Similarity,
        SiteInfo,
        SiteKind,
    )
    from tokred.layout import Layout, Role
    from tokred.linear import LinearReduction
    from tokred.listing import methods, models
    from tokred.method import Keys, MergeRule, Method
    from tokred.reduction import MergeMode, Reduction
    from tokred.registry import Component, compose, hookimpl, read_method, save_method
    from tokred.weighted import WeightedReduction
    from tokred.zoo import load_model


__version__ = _version("tokred")

__all__ = [
    "Attention",
    "ClassToken",
    "Component",
    "ConflictError",
    "Cost",
    "Estimate",
    "Family",
    "Halves",
    "Keys",
    "Layout",
    "LinearReduction",
    "Matcher",
    "MergeMode",
    "MergeRule",
    "Method",
    "MissingPackage",
    "OutputError",
    "Phase",
    "Place",
    "Plan",
    "PluginError",
    "Probe",
    "Recovery",
    "Reduction",
    "Remembered",
    "Report",
    "Role",
    "Run",
    "Scheduler",
    "Signal",
    "Similarity",
    "SiteInfo",
    "SiteKind",
    "SlowerWarning",
    "SpecError",
    "Stack",
    "TokenMap",
    "TokredError",
    "UnknownName",
    "UnsupportedModel",
    "WeightedReduction",
    "WeightsError",
    "apply",
    "compose",
    "errors",
    "estimate",
    "hookimpl",
    "interfaces",
    "load_model",
    "methods",
    "models",
    "parts",
    "read_method",
    "remove",
    "save_method",
    "signals",
    "step",
    "token_map",
]

__getattr__, __dir__ = lazily(__name__)
