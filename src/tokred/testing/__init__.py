"""The contract suite: what every component promises, for authors of plugins to run.

```python
from tokred.testing import parametrize_with_checks


@parametrize_with_checks(["hello"])
def test_contract(check):
    check()
```

`tokred check hello` runs the same on the command line. pytest is imported by `parametrize_with_checks` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tokred.extras import extra

with extra("bench"):
    from tokred.testing.host import Grid, Host, call_classifier, call_transformer
    from tokred.testing.suite import CHECKS, Case, Result, cases, run_checks

if TYPE_CHECKING:
    import pytest

__all__ = [
    "CHECKS",
    "Case",
    "Grid",
    "Host",
    "Result",
    "call_classifier",
    "call_transformer",
    "cases",
    "parametrize_with_checks",
    "run_checks",
]


def parametrize_with_checks(
    items: Iterable[Any], expected_failures: Mapping[str, str] | None = None
) -> pytest.MarkDecorator:
    """Run a test once for each check of components; the test calls its argument `check`.

    Args:
        items: registered names, components, parts, methods or adapters; see `cases`.
        expected_failures: the reason for each check, by its name, that is known to fail. One that passes after all
            is a failure.

    Examples:
        >>> @parametrize_with_checks(["cosine"])
        ... def test_contract(check):
        ...     check()
    """
    import pytest

    return pytest.mark.parametrize("check", [_param(case) for case in cases(items, expected_failures)])


def _param(case: Case) -> Any:
    import pytest

    marks = pytest.mark.xfail(strict=True, reason=case.reason) if case.reason else ()
    return pytest.param(case, id=str(case), marks=marks)
