"""The suite finds what is wrong, and blames nothing else for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from testing import defects

from tokred import Family
from tokred.testing import CHECKS, Host, cases
from tokred.testing.example import HOSTS as ROTARY
from tokred.testing.specimens import Examined
from tokred.testing.suite import Case
from tokred_adapters.tiny.dit import HOSTS as DIT
from tokred_adapters.tiny.flux import HOSTS as FLUX

MEANT_FOR: dict[Any, str] = {
    defects.LeaksRandomness: "deterministic",
    defects.DrawsOtherwiseTogether: "draws_together_what_it_draws_alone",
    defects.MutatesItsInput: "inputs_unchanged",
    defects.SizeDependsOnData: "sizes_follow_from_r_alone",
    defects.SamplesTalk: "samples_do_not_influence_each_other",
    defects.NaNSpreads: "broken_tokens_spoil_their_own_scores_only",
    defects.NotInFloat32: "scores_are_float32",
    defects.CountsSources: "pairs_are_scored_by_themselves",
    defects.OffByOne: "removes_exactly_r",
    defects.ScoresAllPairs: "memory_is_linear",
    defects.LikesBrokenTokens: "broken_tokens_attract_none",
    defects.PlansMoreThanItSays: "plans_keep_to_what_is_declared",
    defects.KeepsState: "generations_are_independent",
    defects.WrongType: "output_is_as_the_input",
    defects.ChangesKeptTokens: "kept_outputs_come_back_unchanged",
    defects.UndeclaredMemory: "memory_is_what_was_declared",
    defects.KeepsAReference: "memory_is_what_was_declared",
    defects.explains_nothing: "documented",
    defects.ignores_its_ratio: "ratio_zero_changes_nothing",
    defects.upset_by_exceptions: "an_exception_leaves_no_trace",
}
# A text that is miscounted also shifts the tokens that are doubled.
FAMILIES: dict[str, tuple[Family, tuple[Host, ...], list[str]]] = {
    "forgets rotary positions": (defects.FORGETS_ROPE, ROTARY, ["order_of_tokens_does_not_matter"]),
    "miscounts the text": (defects.MISCOUNTS_TEXT, FLUX, ["describes_its_model", "duplicates_merge_without_loss"]),
    "prevents removal": (defects.PREVENTS_REMOVAL, DIT, ["removal_is_exact"]),
}


def checks_of(item: Any, hosts: tuple[Host, ...] = ()) -> list[Case]:
    """List the checks of an item, but not of a method's parts; a family is given its hosts."""
    listed = cases([item])
    examined = listed[0].examined
    if hosts:
        specimen = replace(examined.specimens[0], hosts=hosts)
        examined = Examined(examined.name, (specimen,))
    return [Case(examined, case.check) for case in listed if case.examined is listed[0].examined]


def broken(item: Any, hosts: tuple[Host, ...] = ()) -> list[str]:
    """Name the checks that fail."""
    found = []
    for case in checks_of(item, hosts):
        try:
            case()
        except Exception:
            found.append(case.check.name)
    return found


@pytest.mark.parametrize("defect", MEANT_FOR, ids=lambda defect: defect.__name__)
def test_the_check_meant_for_it_fails_and_no_other(defect: Any) -> None:
    assert broken(defect) == [MEANT_FOR[defect]]


@pytest.mark.parametrize(("family", "hosts", "checks"), FAMILIES.values(), ids=FAMILIES)
def test_the_checks_meant_for_a_wrong_description_fail_and_no_other(
    family: Family, hosts: tuple[Host, ...], checks: list[str]
) -> None:
    assert broken(family, hosts) == checks


def test_the_family_without_the_defect_is_sound() -> None:
    assert broken(defects.ROTARY, ROTARY) == []


def test_every_check_can_fail() -> None:
    """Those that are not planted here have nothing else in common with a defect that users could bring in."""
    names = {check.name for check in CHECKS}
    assert {*MEANT_FOR.values(), *(check for *_, checks in FAMILIES.values() for check in checks)} <= names
    assert len(names) == len(CHECKS)
