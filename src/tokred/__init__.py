"""tokred: token reduction for image transformers, composed from parts, undone in one line, measured honestly."""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred import errors, interfaces, parts
    from tokred.adapter import Adapter, ClassToken, Cost, Half, Keys, Remembered, Rotary, SiteSpec, Travel
    from tokred.engine.apply import apply
    from tokred.engine.steps import step
    from tokred.errors import (
        ConflictError,
        OutputError,
        PluginError,
        SpecError,
        TokredError,
        UnknownName,
        UnsupportedModel,
        WeightsError,
    )
    from tokred.interfaces import Matcher, Phase, Plan, Recovery, Scheduler, Signal, Similarity, SiteInfo, SiteKind
    from tokred.layout import Layout
    from tokred.linear import LinearReduction
    from tokred.listing import methods, models
    from tokred.method import MergeRule, Method
    from tokred.reduction import MergeMode, Reduction
    from tokred.registry import Component, hookimpl
    from tokred.report import Report
    from tokred.run import Run
    from tokred.weighted import WeightedReduction
    from tokred.zoo import load_model


__version__ = _version("tokred")

__all__ = [
    "Adapter",
    "ClassToken",
    "Component",
    "ConflictError",
    "Cost",
    "Half",
    "Keys",
    "Layout",
    "LinearReduction",
    "Matcher",
    "MergeMode",
    "MergeRule",
    "Method",
    "OutputError",
    "Phase",
    "Plan",
    "PluginError",
    "Recovery",
    "Reduction",
    "Remembered",
    "Report",
    "Rotary",
    "Run",
    "Scheduler",
    "Signal",
    "Similarity",
    "SiteInfo",
    "SiteKind",
    "SiteSpec",
    "SpecError",
    "TokredError",
    "Travel",
    "UnknownName",
    "UnsupportedModel",
    "WeightedReduction",
    "WeightsError",
    "apply",
    "errors",
    "hookimpl",
    "interfaces",
    "load_model",
    "methods",
    "models",
    "parts",
    "step",
]

__getattr__, __dir__ = lazily(__name__)
