"""Schedules written out: read strictly, printed, and planned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tokred import Layout, Phase, Plan, SiteInfo, SpecError
from tokred.interfaces import DENSE, Seen
from tokred.parts import Program, RoleMatcher

SITE = SiteInfo("blocks.0", "block", 0, 1)


def written(program: Program, steps: int) -> str:
    letters = {Phase.DENSE: "D", Phase.MATCH: "M"}
    plans = [program.plan(step, steps, SITE, ()) for step in range(steps)]
    return " ".join(letters.get(plan.phase, f"{plan.ratio:g}") for plan in plans)


@pytest.mark.parametrize(
    ("text", "steps", "expected"),
    [
        ("DDDD (M .94 .94 1)*", 10, "D D D D M 0.94 0.94 1 M 0.94"),
        ("DDDD (M .94 .94 1)*", 5, "D D D D D"),  # a match that nothing follows is not made
        ("DM.5(M.5)*DD", 8, "D M 0.5 M 0.5 M D D"),
        ("DD (1)* D", 6, "D D 1 1 1 D"),
        ("DD (1)* D", 2, "D D"),
        ("D (D 1)*", 5, "D D 1 D 1"),
        ("M .5 .5", 5, "M 0.5 0.5 D D"),
        ("M .5 1 .5 M .25", 6, "M 0.5 1 0.5 M 0.25"),
        ("(M .5)*", 4, "M 0.5 M 0.5"),
        ("DD *(1 1 D)", 10, "D D 1 D 1 1 D 1 1 D"),
        ("DD *(1 1 D) DD", 8, "D D D 1 1 D D D"),
        ("D *(1 1 D)", 1, "D"),
        ("D D/4 *(1 1 D) D/9", 10, "D D D 1 1 D 1 1 D D"),
        ("D D/4 *(1 1 D) D/9", 3, "D 1 D"),
        ("M D/3 .5 (D)*", 6, "M D D 0.5 D D"),
        ("D D/2", 5, "D D D D D"),
        ("DR(1 R)*R", 7, "D D 1 D 1 D D"),  # without references these are dense
    ],
)
def test_steps(text: str, steps: int, expected: str) -> None:
    last = {"DM.5(M.5)*DD": "D M 0.5 M 0.5 D D D"}  # the match before the last steps is not made
    assert written(Program(text), steps) == last.get(text, expected)


def test_references_are_left_out_but_of_the_model_as_a_whole() -> None:
    layout = Layout(grids=((4, 6), (3, 5)), roles=("target", "reference"))
    program = Program("D R/2 (1 R)*")
    plans = [program.plan(step, 6, replace(SITE, layout=layout), ()) for step in range(6)]
    assert [round(plan.ratio * layout.image) for plan in plans] == [0, 15, 15, 15, 39, 15]
    assert plans[1] == Plan(Phase.MATCH_REDUCE, 15 / 39, matcher=RoleMatcher("reference"))
    assert program.plan(1, 6, replace(SITE, kind="model", layout=layout), ()) == DENSE


@pytest.mark.parametrize(
    ("text", "noise", "expected"),
    [
        ("D D *(1 D) I", (1.0, 0.8, 0.6, 0.4, 0.2, 0.01), "D D 1 D 1 1"),
        ("D D *(1 D) I", (1.0, 0.8, 0.6, 0.4, 0.2, 0.011), "D D 1 D 1 D"),
        ("D D *(1 D) I", (), "D D 1 D 1 D"),
        ("D D *(1 D)", (1.0, 0.8, 0.6, 0.4, 0.2, 0.001), "D D 1 D 1 D"),
        ("D (1)* D D I", (1.0, 0.7, 0.4, 0.2, 0.005, 0.001), "D 1 1 1 1 1"),
        ("D I", (1.0, 0.001, 0.5, 0.001), "D D D 1"),  # only those that nothing follows
        ("D M .5 .5 I", (1.0, 0.5, 0.4, 0.001), "D M 0.5 1"),
        ("D I", (0.005, 0.001), "D 1"),  # the first never is
    ],
)
def test_idle_steps_are_skipped(text: str, noise: tuple[float, ...], expected: str) -> None:
    program, steps, seen = Program(text), expected.count(" ") + 1, Seen(noise)
    letters = {Phase.DENSE: "D", Phase.MATCH: "M"}
    plans = [program.plan_seen(step, steps, SITE, (), seen) for step in range(steps)]
    assert " ".join(letters.get(plan.phase, f"{plan.ratio:g}") for plan in plans) == expected


def test_a_match_knows_the_ratio_that_it_is_for() -> None:
    plans = [Program("M 1 .25 M .75").plan(step, 5, SITE, ()) for step in range(5)]
    assert [plan.ratio for plan in plans] == [0.25, 1, 0.25, 0.75, 0.75]


@pytest.mark.parametrize(
    "text",
    [
        "DDDD(M.94 .94 1)*",
        "D (D 1)* DD",
        "M .5 .5",
        "(M 0.250)*",
        "D *(1 1 D) D",
        "D D/9 *(1 D) D/15",
        "D R/9 (R 1)* R",
        "D *(1 D) D/15 I",
        "DI",
    ],
)
def test_what_is_printed_is_read_again(text: str) -> None:
    program = Program(text)
    assert str(Program(str(program))) == str(program)
    assert Program(str(program)).steps(20, idle=2) == program.steps(20, idle=2)


@pytest.mark.parametrize(
    ("text", "ratio", "skips"),
    [
        ("D M .5 .5 M .75 1", 0.75, True),
        ("D (1)*", 1, True),
        ("D M .5", 0.5, False),
        ("D", 0, False),
        ("D D/3 (1)*", 1, True),
        ("D M .5 I", 0.5, True),
    ],
)
def test_ratios(text: str, ratio: float, skips: bool) -> None:
    assert (Program(text).ratio, Program(text).skips) == (ratio, skips)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with a dense step"),
        (".5", "must begin with a dense step"),
        ("(1 D)*", "must begin with a dense step"),
        ("D .5", "at ratio 0.5, no match, M, comes before it"),
        ("D (.5 M)*", "at ratio 0.5, no match, M, comes before it"),
        ("M .5 .7", "at ratio 0.7, the match before it is made for 0.5. Put an M between"),
        ("M .5 (M .7)* .5", "at ratio 0.5, the match before it is made for 0.7"),
        ("(M .5)", r"a repeated part is written \(...\)\* or \*\(...\), with steps inside"),
        ("D *(1 D", r"a repeated part is written"),
        ("D *(M .5)", "at ratio 0.5, no match, M, comes before it"),
        ("D ()*", r"a repeated part is written"),
        ("D X", "'X' is not a step. Allowed: D"),
        ("D 1.5", "'1.5' is not a step"),
        ("M 0", "'0' is not a step"),
        ("M nan", "is not a step"),
        ("(M .5)* (D)*", "is not a step"),
        ("M.5.5", "is not a step"),
        ("D/4 (1 D)*", "must begin with a dense step"),
        ("D D/1", "'D/1' is not a step. Allowed: .* D/N"),
        ("D D/x", "'D/x' is not a step"),
        ("D M/4", "'M/4' is not a step"),
        ("D (1 D/4)*", "the same steps in every generation: no D/N"),
        ("D I D", "'I' is not a step. Allowed: .* I at the very end"),
        ("D (1 I)*", "'I' is not a step"),
        ("I", "must begin with a dense step"),
    ],
)
def test_what_is_no_program_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Program(text)
