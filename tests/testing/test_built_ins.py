"""Every component that tokred brings along keeps what every component promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tokred.registry import KINDS, components
from tokred.testing import Case, parametrize_with_checks

OWN = [
    f"{kind}:{registered.component.name}"
    for kind in KINDS
    for registered in components(kind)
    if registered.provider.distribution == "tokred"
]


LISTED = parametrize_with_checks(OWN).args[1]


def with_its_last_level(case: Case) -> Case:
    return replace(case, examined=replace(case.examined, specimens=case.examined.specimens[-1:]))


def is_long(case: Case) -> bool:
    """Say whether a case takes seconds: compiling does, at each of several levels."""
    return case.check.name == "compiles" and len(case.specimens) > 1


SHORTER = [pytest.param(with_its_last_level(*param.values), id=param.id) for param in LISTED if is_long(*param.values)]
WHOLE = [
    pytest.param(*param.values, id=f"{param.id}-at-all-levels", marks=pytest.mark.slow)
    if is_long(*param.values)
    else param
    for param in LISTED
]


@pytest.mark.parametrize("check", [*WHOLE, *SHORTER])
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_contract(check: Case) -> None:
    check()
