"""From what meters found to means over the right things."""

from __future__ import annotations

import pytest
import torch

from tokred.analysis.cells import Cells
from tokred.analysis.persistence import MEASURES, Persistence
from tokred.analysis.result import CONTRASTS
from tokred.analysis.summary import contrasts, curves

SITES, STEPS, LAGS = ("a", "b"), 4, (0, 2)


def value(measure: int, lag: int, site: int, step: int, generation: int) -> float:
    return 1 + measure + 0.1 * lag + 0.3 * site + 0.01 * step**2 + 0.001 * generation


def cells() -> Cells:
    """Three generations in two batches, the first one with guidance, whose halves differ."""
    found = Cells(SITES, STEPS)
    for generations, halves in (([0, 1], 2), ([2], 1)):
        found.add(
            (
                entry(site, step, lag, generations, halves)
                for site in (0, 1)
                for step in range(STEPS)
                for lag in LAGS
                if step >= lag
            ),
            len(generations),
        )
    return found


def entry(site: int, step: int, lag: int, generations: list[int], halves: int) -> Persistence:
    def values(measure: int) -> torch.Tensor:
        rows = [[value(measure, lag, site, step, g) for g in generations] for _ in range(halves)]
        if halves == 2:
            rows = [[v - 0.5 for v in rows[0]], [v + 0.5 for v in rows[1]]]
        return torch.tensor(rows, dtype=torch.float64).flatten()

    return Persistence(SITES[site], step, lag, {name: values(m) for m, name in enumerate(MEASURES)})


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_curves_are_means_over_the_right_things() -> None:
    found = curves(cells(), LAGS)
    assert tuple(found) == MEASURES
    for m, name in enumerate(MEASURES):
        for curve, lag in zip(found[name], LAGS, strict=True):
            steps, places, generations = range(lag, STEPS), (0, 1), range(3)
            every = {g: [value(m, lag, s, t, g) for s in places for t in steps] for g in generations}
            assert curve.lag == lag
            assert curve.score.values == pytest.approx([mean(every[g]) for g in generations])
            by_site = [mean([value(m, lag, s, t, g) for t in steps for g in generations]) for s in places]
            by_step = [mean([value(m, lag, s, t, g) for s in places for g in generations]) for t in steps]
            assert curve.by_site.mean == pytest.approx(by_site, rel=1e-4)
            assert curve.by_step.mean == pytest.approx(by_step, rel=1e-4)
            assert all(low <= high for low, high in zip(curve.by_step.low, curve.by_step.high, strict=True))
            assert curve.cells[1] == pytest.approx(
                [mean([value(m, lag, 1, t, g) for g in generations]) for t in steps], rel=1e-4
            )


def test_contrasts_compare_the_same_steps() -> None:
    found = contrasts(cells(), LAGS)
    assert set(found) == set(CONTRASTS)

    def over(name: str, lag: int, g: int) -> float:
        return mean([value(MEASURES.index(name), lag, s, t, g) for s in (0, 1) for t in (2, 3)])  # type: ignore[arg-type]

    for g in range(3):
        outputs, inputs = over("outputs_pearson", 2, g), over("inputs_pearson", 2, g)
        assert found["outputs_minus_inputs"][1].score.values[g] == pytest.approx(outputs - inputs)
        earlier = found["earlier_outputs_minus_inputs_now_rank"][1].score.values[g]
        assert earlier == pytest.approx(over("outputs_rank", 2, g) - over("crossed_rank", 0, g))
        ratio = over("outputs_error", 2, g)
        assert found["reused_over_fresh"][1].score.values[g] == pytest.approx(ratio / over("outputs_error", 0, g))
        assert found["reused_over_inputs"][1].score.values[g] == pytest.approx(ratio / over("inputs_error", 0, g))
