"""A whole benchmark in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tokred.bench.console import ConsoleView
from tokred.bench.journal import Found, Journal
from tokred.bench.lineup import line_up
from tokred.bench.looking import Pictures, VisionSubject
from tokred.bench.pictures import write_pictures
from tokred.bench.prompting import PipelineSubject, Request
from tokred.bench.result import Results
from tokred.bench.runner import run_bench
from tokred.bench.subject import Subject
from tokred.errors import SpecError
from tokred.method import Method


def pipeline_subject(pipe: Any, prompts: Sequence[Request], **options: Any) -> Subject:
    """Return a pipeline as something that can be measured; see `tokred.bench.prompting.PipelineSubject`."""
    return PipelineSubject(pipe, prompts, **options)


def vision_subject(
    model: nn.Module,
    pictures: Pictures,
    labels: Sequence[int] | None = None,
    *,
    prepare: Callable[[Any], torch.Tensor] | None = None,
    **options: Any,
) -> Subject:
    """Return a model that looks at pictures as something that can be measured; see `VisionSubject`."""
    return VisionSubject(model, pictures, labels, prepare=prepare, **options)


def run(
    model: Any,
    methods: Sequence[str | Path | Method] = (),
    *,
    prompts: Sequence[Request] | None = None,
    pictures: Pictures | None = None,
    labels: Sequence[int] | None = None,
    steps: int | None = None,
    samples: int | None = None,
    seed: int = 0,
    pairs: int = 3,
    out: str | Path | None = None,
    found: Found = "refuse",
    quiet: bool = False,
    **options: Any,
) -> Results:
    """Measure methods and baselines on a model of yours, with a table that grows and a progress bar.

    Args:
        model: a pipeline, a module, or a subject.
        methods: see `tokred.bench.parse_contenders`; without any, all that fit.
        prompts: what a pipeline is asked for.
        pictures: what a module looks at, tensors `[C, H, W]`.
        labels: the true class of each picture, where it is known.
        steps: denoising steps; by default the pipeline's own.
        samples: how many each run is measured on; by default one of each prompt or picture.
        seed: of the first sample; the next ones count up.
        pairs: timed pairs of a dense and a method generation.
        out: folder where results are kept after every run, with the page and the plots of `tokred bench` at the end;
            nowhere by default.
        found: what becomes of results that are there: "refuse", "resume" or "overwrite".
        quiet: whether nothing is printed.
        options: of `pipeline_subject`, such as `guidance_scale=3.5` or `batch=4`, or of `vision_subject`.

    Raises:
        SpecError: if there is nothing to ask the model for, or a name or number is wrong.

    Example:
        >>> results = run(pipe, ["balanced", "dito:ratio=0.5"], prompts=["a fox", "a bear"])  # doctest: +SKIP
    """
    subject = _subject(model, prompts, pictures, labels, options)
    lineup = line_up(subject, methods)
    settings = subject.settings(seed, steps=steps, samples=samples, pairs=pairs)
    journal = Journal(Path(out) if out else None, found)
    with ConsoleView(subject, settings, quiet=quiet) as view:
        results = run_bench(subject, lineup, settings, view, journal)
    if results.rows:
        view.explain()
        view.recommend(results)
    if results.rows and out:
        view.written(write_pictures(results, view.exhibits, subject.metrics[0], Path(out)))
    return results


def _subject(
    model: Any,
    prompts: Sequence[Request] | None,
    pictures: Pictures | None,
    labels: Sequence[int] | None,
    options: dict[str, Any],
) -> Subject:
    if prompts is not None:
        return pipeline_subject(model, prompts, **options)
    if pictures is not None:
        return vision_subject(model, pictures, labels, **options)
    if hasattr(model, "generate") and hasattr(model, "truth"):
        subject: Subject = model
        return subject
    raise SpecError(f"What is {type(model).__name__} asked for? Give prompts=[...] of a pipeline, or pictures=[...].")
