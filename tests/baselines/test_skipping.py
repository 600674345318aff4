"""Baselines that skip whole steps, against their formulas in plain loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from families.pipelines import PIPELINES, Pipeline

from tokred import SpecError
from tokred.baselines import Baseline, Spectrum, Zeus

STEPS = 7
ONCE = [pipeline for pipeline in PIPELINES if pipeline.branches == 1]
Known = list[tuple[float, torch.Tensor, bool]]
"""Of each step so far: its timestep, the output, and whether it was computed."""


def by_hand(pipe: Any, computed: set[int], predict: Callable[[Known, float, list[float]], torch.Tensor]) -> Any:
    """Make a forward that computes some steps and predicts the others."""
    forward, known = pipe.transformer.forward, Known()

    def model(*args: Any, **kwargs: Any) -> Any:
        times = pipe.scheduler.timesteps.tolist()
        now = len(known)
        if now in computed:
            value = forward(*args, **kwargs | {"return_dict": False})[0].clone()
        else:
            value = predict(known, times[now], times)
        known.append((times[now], value, now in computed))
        return Transformer2DModelOutput(value) if kwargs.get("return_dict", True) else (value,)

    return model


def line_and_reuse(known: Known, time: float, times: list[float]) -> torch.Tensor:
    if not known[-1][2]:
        return known[-1][1]
    (a, x, _), (b, y, _) = [entry for entry in known if entry[2]][-2:]
    return y + (y - x) * (time - b) / (b - a)


def chebyshev(known: Known, time: float, times: list[float]) -> torch.Tensor:
    """Fit with numpy's own polynomials."""

    def table(places: list[float]) -> np.ndarray:
        first, last = times[0], times[-1]
        return np.polynomial.chebyshev.chebvander([2 * (t - last) / (first - last) - 1 for t in places], 3)

    places, outputs = zip(*[(t, x) for t, x, computed in known if computed], strict=True)
    fit, y = table(list(places)), np.stack([x.numpy().ravel() for x in outputs]).astype(float)
    coefficients = np.linalg.solve(fit.T @ fit + 0.2 * np.eye(4), fit.T @ y)
    fitted = torch.from_numpy(table([time]) @ coefficients).float().view_as(outputs[-1])
    return 0.25 * outputs[-1] + 0.75 * fitted


@pytest.mark.parametrize(
    ("baseline", "computed", "predict"),
    [
        (Zeus(interval=3, dense_first=2), {0, 1, 4}, line_and_reuse),
        (Spectrum(interval=2, dense_first=3, degree=3, ridge=0.2, mix=0.75), {0, 1, 2, 4, 6}, chebyshev),
    ],
    ids=["zeus", "spectrum"],
)
@pytest.mark.parametrize("pipeline", ONCE, ids=str)
def test_it_equals_its_formula(
    pipeline: Pipeline, baseline: Baseline, computed: set[int], predict: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = pipeline.build()
    dense = pipeline.generate(pipe, STEPS)
    with baseline.applied(pipe):
        found = [pipeline.generate(pipe, STEPS) for _ in range(2)]
    assert torch.equal(*found), "nothing is left from the generation before"
    assert torch.equal(pipeline.generate(pipe, STEPS), dense)
    with monkeypatch.context() as patched:
        patched.setattr(pipe.transformer, "forward", by_hand(pipe, computed, predict))
        expected = pipeline.generate(pipe, STEPS)
    torch.testing.assert_close(found[0], expected, rtol=1e-4, atol=1e-4)


def test_guidance_branches_have_memories_of_their_own() -> None:
    """Two branches that would share one would draw a line through each other's outputs."""
    pipeline = next(pipeline for pipeline in PIPELINES if pipeline.branches == 2)
    pipe, calls = pipeline.build(), []
    hook = pipe.transformer.register_forward_hook(lambda m, a, output: calls.append(output[0]))
    with Zeus(interval=2, dense_first=1).applied(pipe):
        pipeline.generate(pipe, 2)
    hook.remove()
    assert len(calls) == 4
    assert torch.equal(calls[2], calls[0])
    assert torch.equal(calls[3], calls[1])
    assert not torch.equal(calls[0], calls[1])


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        (Zeus, {"interval": 1}, "interval=1 must be an integer of at least 2"),
        (Spectrum, {"ridge": 0.0}, r"ridge=0.0 must be above 0: without it few outputs leave the fit open"),
        (Spectrum, {"mix": 2.0}, r"mix=2.0 must be in \[0, 1\]: the share of the polynomials"),
        (Spectrum, {"degree": 0}, "degree=0 must be an integer of at least 1"),
    ],
)
def test_what_cannot_be_is_refused(kind: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        kind(**params)
