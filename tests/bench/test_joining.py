"""Results of several measurements as one."""

from __future__ import annotations

import dataclasses

import pytest
from bench.made import made_results, made_row

from tokred.bench import join_results
from tokred.errors import SpecError


def test_later_runs_take_the_place_of_earlier_ones_and_new_ones_come_last() -> None:
    old, other = (made_row(name, {}, 0.5, 0.5, [30.0, 31.0]) for name in ("dito", "tomesd"))
    again, new = (made_row(name, {}, 0.4, 0.4, [40.0, 41.0]) for name in ("dito", "ras"))
    earlier, later = made_results(old, other), made_results(new, again)
    joined = join_results(earlier, later)
    assert joined.rows == (again, other, new)
    assert dataclasses.replace(joined, rows=earlier.rows) == earlier


@pytest.mark.parametrize("change", [{"model": "emoji-sd3"}, {"steps": 7}, {"seeds": (5, 6)}])
def test_of_other_samples_nothing_is_joined(change: dict[str, object]) -> None:
    results = made_results(made_row("dito", {}, 0.5, 0.5, [30.0, 31.0]))
    settings = dataclasses.replace(results.settings, **{k: v for k, v in change.items() if k != "model"})
    other = dataclasses.replace(results, settings=settings, model=change.get("model", results.model))
    with pytest.raises(SpecError, match=f"{next(iter(change))} .* cannot be compared"):
        join_results(results, other)
