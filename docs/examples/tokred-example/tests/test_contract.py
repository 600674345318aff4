"""Its components keep what all of their kind promise; `tokred check` runs the same."""

from tokred.testing import Case, parametrize_with_checks


@parametrize_with_checks(["similarity:example", "method:example", "metric:edges", "baseline:half_precision"])
def test_contract(check: Case) -> None:
    check()
