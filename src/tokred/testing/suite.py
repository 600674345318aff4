"""The checks, and which of them are for what."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tokred.errors import UnknownName
from tokred.registry import Kind
from tokred.testing import (
    applied,
    baseline,
    common,
    family,
    matcher,
    memory,
    method,
    metric,
    recovery,
    scheduler,
    signal,
    similarity,
)
from tokred.testing.check import Check, Specimen
from tokred.testing.specimens import Examined, examine, unlike

_ALL: tuple[Kind, ...] = ("similarity", "matcher", "scheduler", "recovery", "signal", "method", "family")
_MADE: tuple[Kind, ...] = ("similarity", "matcher", "scheduler", "recovery", "signal", "method")
_ON_TENSORS: tuple[Kind, ...] = ("similarity", "matcher", "recovery", "signal", "method", "family")


def _takes_ratio(specimen: Specimen) -> bool:
    return specimen.kind == "family" or specimen.takes_ratio


CHECKS = (
    Check(common.documented, (*_MADE, "baseline")),
    Check(common.deterministic, (*_ALL, "metric")),
    Check(common.inputs_unchanged, ("similarity", "matcher", "recovery", "signal", "metric")),
    Check(common.generations_are_independent, _ALL),
    Check(common.samples_do_not_influence_each_other, _ON_TENSORS),
    Check(common.compiles, ("similarity", "recovery", "method")),
    Check(similarity.scores_are_float32, ("similarity",)),
    Check(similarity.pairs_are_scored_by_themselves, ("similarity",)),
    Check(similarity.broken_tokens_spoil_their_own_scores_only, ("similarity",)),
    Check(matcher.removes_exactly_r, ("matcher",)),
    Check(matcher.sizes_follow_from_r_alone, ("matcher",)),
    Check(matcher.reductions_are_valid, ("matcher",)),
    Check(matcher.broken_tokens_attract_none, ("matcher",)),
    Check(matcher.draws_together_what_it_draws_alone, ("matcher",)),
    Check(matcher.memory_is_linear, ("matcher",)),
    Check(memory.memory_is_what_was_declared, ("matcher", "recovery")),
    Check(scheduler.plans_keep_to_what_is_declared, ("scheduler",)),
    Check(recovery.output_is_as_the_input, ("recovery",)),
    Check(recovery.kept_outputs_come_back_unchanged, ("recovery",)),
    Check(signal.has_a_name, ("signal",)),
    Check(signal.features_have_a_row_per_token, ("signal",)),
    Check(method.reduces_as_it_says, ("method",), every_level=True),
    Check(method.reduces_in_bfloat16, ("method",)),
    Check(applied.ratio_zero_changes_nothing, ("method", "family"), _takes_ratio),
    Check(applied.removal_is_exact, ("method", "family")),
    Check(applied.an_exception_leaves_no_trace, ("method", "family")),
    Check(family.describes_its_model, ("family",)),
    Check(family.rotary_tables_last, ("family",)),
    Check(family.order_of_tokens_does_not_matter, ("family",)),
    Check(family.duplicates_merge_without_loss, ("family",)),
    Check(family.a_skipped_step_is_carried_on, ("family",)),
    Check(metric.values_are_one_per_sample, ("metric",)),
    Check(metric.what_is_compared_with_itself_is_best, ("metric",)),
    Check(baseline.takes_no_more_steps, ("baseline",)),
)
"""Every check, in the order in which they run."""

Outcome = Literal["kept", "broken", "expected", "kept after all"]


@dataclass(frozen=True)
class Case:
    """One check of one component: a test.

    Attributes:
        examined: the component, with all its sets of parameters.
        check: the check.
        reason: why it is expected to fail; empty where it is not.
    """

    examined: Examined
    check: Check
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.examined.name}-{self.check.name}"

    def __call__(self) -> None:
        """Run the check with each set of parameters; raise what it raises, with a note of which."""
        for specimen in self.specimens:
            try:
                self.check.function(specimen)
            except Exception as error:
                error.add_note(f"{self.check.name} of {specimen}: {self.check.promise}")
                raise

    @property
    def specimens(self) -> list[Specimen]:
        """What the check is run with: every set of parameters, or those that differ by more than a number."""
        suited = [specimen for specimen in self.examined.specimens if self.check.suits(specimen)]
        return suited if self.check.every_level else unlike(suited)


@dataclass(frozen=True)
class Result:
    """What came of a case.

    Attributes:
        case: the check and the component.
        outcome: "kept"; "broken"; "expected", where it broke for a reason that was given beforehand; "kept after all",
            where it did not, which is a failure: the reason no longer holds.
        detail: what was wrong, in a line; or the reason.
    """

    case: Case
    outcome: Outcome
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether this is as it should be."""
        return self.outcome in ("kept", "expected")


def cases(items: Iterable[Any], expected_failures: Mapping[str, str] | None = None) -> list[Case]:
    """List the checks of components.

    Args:
        items: registered names ("hello", or "matcher:hello" where several kinds have it), components, parts, methods,
            families, or classes and functions that make one without parameters.
        expected_failures: the reason for each check, by its name, that is known to fail; added to those that a
            component declares itself.

    Raises:
        UnknownName: if nothing is registered under a name, or there is no check of that name.
        SpecError: if an item is none of these.
    """
    known: list[Any] = []
    return [
        case for item in items for found in examine(item, known) for case in _cases_of(found, expected_failures or {})
    ]


def run_checks(items: Iterable[Any], expected_failures: Mapping[str, str] | None = None) -> Iterator[Result]:
    """Run the checks of components, see `cases`, and yield each result as it comes."""
    for case in cases(items, expected_failures):
        yield _run(case)


def _cases_of(examined: Examined, expected: Mapping[str, str]) -> Iterator[Case]:
    reasons = {**examined.expected_failures, **expected}
    names = [check.name for check in CHECKS]
    for name in reasons:
        if name not in names:
            raise UnknownName("check", name, names)
    for check in CHECKS:
        if any(check.suits(specimen) for specimen in examined.specimens):
            yield Case(examined, check, reasons.get(check.name, ""))


def _run(case: Case) -> Result:
    try:
        case()
    except Exception as error:
        if case.reason:
            return Result(case, "expected", case.reason)
        return Result(case, "broken", _in_a_line(error))
    return Result(case, "kept after all", case.reason) if case.reason else Result(case, "kept")


def _in_a_line(error: Exception) -> str:
    """Say what was raised, and where unless it was a check that raised it on purpose."""
    said = " ".join(str(error).split())
    if isinstance(error, AssertionError) and said:
        return said
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {said} ({place.filename}:{place.lineno})"
