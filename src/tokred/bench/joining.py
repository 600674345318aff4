"""Results that were measured at several times, as one."""

from __future__ import annotations

import dataclasses
from operator import attrgetter

from tokred.bench.result import Results
from tokred.errors import SpecError

ALIKE = ("model", "settings.steps", "settings.seeds")
"""What results have to have in common to be comparable sample by sample."""


def check_comparable(one: Results, other: Results) -> None:
    """Refuse results of other samples.

    Raises:
        SpecError: the two are not of the same model, steps and seeds.
    """
    for key in ALIKE:
        values = [attrgetter(key)(results) for results in (one, other)]
        if values[0] != values[1]:
            raise SpecError(
                f"Results of {key} {values[0]} and {values[1]} cannot be compared: measure both on the same."
            )


def join_results(earlier: Results, later: Results) -> Results:
    """Return the runs of both; a later one takes the place of an earlier one with the same label.

    All but the runs is that of the earlier results.

    Raises:
        SpecError: the two are not of the same model, steps and seeds, or the same metrics.
    """
    check_comparable(earlier, later)
    again = {row.label: row for row in later.rows}
    rows = [again.pop(row.label, row) for row in earlier.rows]
    return dataclasses.replace(earlier, rows=(*rows, *again.values()))
