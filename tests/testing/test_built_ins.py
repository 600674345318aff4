"""Every component that tokred brings along keeps what every component promises."""

from __future__ import annotations

import pytest

from tokred.registry import KINDS, components
from tokred.testing import Case, parametrize_with_checks

OWN = [
    f"{kind}:{registered.component.name}"
    for kind in KINDS
    for registered in components(kind)
    if registered.provider.distribution == "tokred"
]


@parametrize_with_checks(OWN)
@pytest.mark.filterwarnings("ignore:tokred. .* reduced nothing")
def test_contract(check: Case) -> None:
    check()
