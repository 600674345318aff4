"""What can be handed to the suite, and how it is run."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tokred import Component, SpecError, UnknownName
from tokred.parts import Copy, Cosine, GridMatcher, Interval
from tokred.registry import build_method
from tokred.testing import cases, parametrize_with_checks, run_checks


def test_the_suite_imports_without_pytest_and_hosts() -> None:
    heavy = ("pytest", "diffusers", "timm", "torch._dynamo")
    code = f"import sys, tokred.testing; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("item", [GridMatcher, GridMatcher(), "grid", "matcher:grid"], ids=str)
def test_a_class_an_object_and_a_name_have_the_same_checks(item: Any) -> None:
    assert [case.check for case in cases([item])] == [case.check for case in cases(["grid"])]


def test_a_method_brings_its_parts() -> None:
    kinds = {case.examined.specimens[0].kind for case in cases([build_method("tomesd", {})])}
    assert kinds == {"method", "similarity", "matcher", "scheduler", "recovery"}


def test_a_name_of_several_kinds_stands_for_all() -> None:
    names = {case.examined.name for case in cases(["random"])}
    assert {"matcher:random", "method:random"} <= names


def test_something_else_is_refused() -> None:
    with pytest.raises(SpecError, match="3 is nothing that can be checked. Pass a registered name"):
        cases([3])
    with pytest.raises(SpecError, match="cannot be made without parameters .*'ratio'.* Pass an object that it made"):
        cases([Interval])
    with pytest.raises(UnknownName, match="Unknown check 'determinstic'. .*Did you mean 'deterministic'?"):
        cases([Cosine], {"determinstic": "why"})
    component = Component("family", "x", "tokred_adapters.dit:DIT", "", hosts="tokred.parts:Copy")
    with pytest.raises(SpecError, match="hosts='tokred.parts:Copy' of 'x' must name a tuple of tokred.testing.Host"):
        cases([component])


def test_what_lacks_a_part_of_its_interface_is_told_which() -> None:
    component = Component("recovery", "x", "tokred.parts:Cosine", "")
    results = [result for result in run_checks([component]) if result.case.check.name != "documented"]
    assert {result.outcome for result in results} == {"broken"}
    assert "Cosine is not a Recovery: it has no ['state_spec', 'observe', 'recover'" in results[0].detail


def test_a_family_without_a_host_is_told_to_name_one() -> None:
    family = Component("family", "x", "tokred_adapters.dit:DIT", "")
    broken = [result for result in run_checks([family]) if not result.passed]
    assert {result.case.check.name for result in broken} >= {"describes_its_model", "removal_is_exact"}
    assert "no model to check it on. Name tiny ones: Component(..., hosts=" in broken[0].detail


def test_a_reason_has_to_be_written() -> None:
    with pytest.raises(SpecError, match="Check 'compiles' of recovery 'x' is expected to fail: write why"):
        Component("recovery", "x", "a:b", "", expected_failures={"compiles": " "})


def test_expected_failures_are_strict_marks() -> None:
    mark = parametrize_with_checks([Copy], {"compiles": "it does not"})
    (marked,) = [param for param in mark.args[1] if param.marks]
    assert marked.id == "Copy-compiles"
    assert marked.marks[0].kwargs == {"strict": True, "reason": "it does not"}


def test_a_parameter_may_be_explained_by_what_is_inherited_but_each_class_has_a_line_of_its_own() -> None:
    class Silent(Cosine): ...

    class Angle(Cosine):
        """Cosine again."""

    documented = {case.examined.name: case for case in cases([Silent, Angle]) if case.check.name == "documented"}
    documented["Angle"]()
    with pytest.raises(AssertionError, match="Silent has no docstring"):
        documented["Silent"]()


def test_an_error_says_which_check_and_parameters() -> None:
    class Broken(Copy):
        def recover(self, *arguments: Any) -> Any:
            raise ZeroDivisionError

    case = next(case for case in cases([Broken]) if case.check.name == "deterministic")
    with pytest.raises(ZeroDivisionError) as caught:
        case()
    assert caught.value.__notes__[0].startswith("deterministic of recovery Broken: The same inputs give")


def test_a_part_that_was_checked_is_not_checked_again_inside_a_method() -> None:
    alone, listed = cases(["method:tomesd"]), cases(["matcher:grid", "method:tomesd"])
    again = {str(case) for case in alone} - {str(case) for case in listed}
    assert again == {f"method:tomesd.matcher-{case.check.name}" for case in cases(["matcher:grid"])}


def test_levels_that_differ_by_numbers_are_one_but_where_the_number_decides() -> None:
    numbers: Any = ({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75}, {"ratio": 0.5, "sites": ("mlp",)})
    numbers += ({"ratio": 0.5, "stride": (2, 1)}, {"ratio": 0.25, "stride": (1, 2)})
    component = Component("method", "x", "tokred_plugins.tomesd:tomesd", "", levels=numbers)
    of_method = [case for case in cases([component]) if case.examined.name == "method:x"]
    tried = {case.check.name: [each.params for each in case.specimens] for case in of_method}
    assert tried["reduces_as_it_says"] == list(numbers)
    assert tried["deterministic"] == [numbers[1], numbers[3], numbers[5]]


def test_a_fault_at_one_level_is_found() -> None:
    levels = ({"ratio": 0.25}, {"ratio": 0.5}, {"ratio": 0.75})
    component = Component("method", "x", "testing.defects:removes_too_much_of_many", "", levels=levels)
    broken = [result for result in run_checks([component]) if result.case.examined.name == "method:x"]
    assert [result.case.check.name for result in broken if not result.passed] == ["reduces_as_it_says"]
