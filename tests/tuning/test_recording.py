"""What is recorded of a dense generation, and how far an error carries in one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from bench.tiny import TinySubject

from tokred import SpecError
from tokred.metrics import psnr
from tokred.tuning import Recording, measure_carry, record
from tokred.tuning.candidate import Candidate
from tokred.tuning.ranking import Ranked, squared_errors

STEPS = 6


def test_inner_products_are_those_of_what_the_model_returned() -> None:
    subject, seen = TinySubject(), []
    hook = subject.model.transformer.register_forward_hook(lambda *call: seen.append(call[2][0]))
    found = record(subject, [3, 4], STEPS)
    hook.remove()
    assert torch.equal(found.pictures, torch.cat([subject.generate([seed], STEPS) for seed in (3, 4)]))
    flat = torch.stack(seen[:STEPS]).flatten(1).double()
    torch.testing.assert_close(found.products[0], flat @ flat.T)
    assert found.products.shape == (2, STEPS, STEPS)
    assert found.shares.diff().lt(0).all()
    assert "step" not in vars(subject.model.scheduler), "the scheduler is as it was"


def test_a_model_without_a_sampler_is_refused() -> None:
    subject: Any = SimpleNamespace(
        name="a loop", model=torch.nn.Identity(), generate=lambda seeds, steps: torch.zeros(1, 3, 4, 4)
    )
    with pytest.raises(SpecError, match="a loop has no diffusers scheduler"):
        record(subject, [1], STEPS)


def test_carry_is_that_of_a_known_process() -> None:
    """A loop `x += h (a x + b(t))`: an error of one step grows by `1 + h a` at each that follows."""
    h, growth = 0.1, 3.0
    drive = torch.randn(STEPS, 3 * 4 * 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64).cumsum(0)
    shares = torch.linspace(1, 0.2, STEPS, dtype=torch.float64)

    def drawn(dense: tuple[bool, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw, with the line through two outputs in the place of a skipped one's; return all outputs too."""
        x, outputs = torch.zeros(3 * 4 * 4, dtype=torch.float64), []
        logits = shares.logit(eps=1e-3)
        for step, is_dense in enumerate(dense):
            output = growth * x + drive[step]
            if not is_dense and step == 1:
                output = outputs[0]
            elif not is_dense:
                share = (logits[step] - logits[step - 1]) / (logits[step - 1] - logits[step - 2])
                output = outputs[-1] + share * (outputs[-1] - outputs[-2])
            outputs.append(output)
            x = x + h * output
        return x.view(1, 3, 4, 4), torch.stack(outputs)

    picture, outputs = drawn((True,) * STEPS)
    recording = Recording(picture, (outputs @ outputs.T)[None], shares)
    carry = measure_carry(recording, lambda dense: -10 * (drawn(dense)[0] - picture).square().mean((1, 2, 3)).log10())
    after = torch.arange(STEPS - 1, -1, -1, dtype=torch.float64)
    expected = h * (1 + h * growth) ** after / (3 * 4 * 4) ** 0.5
    torch.testing.assert_close(carry[1:], expected[1:], rtol=1e-3, atol=0)


def test_one_skipped_step_is_expected_to_cost_what_it_did() -> None:
    subject = TinySubject()
    found = record(subject, [5], STEPS)

    def draw(dense: tuple[bool, ...]) -> torch.Tensor:
        with Candidate.of(Ranked(dense, 1, 0.0)).contender().applied(subject.model):
            return psnr(subject.generate([5], STEPS), found.pictures)

    carry = measure_carry(found, draw)
    for skipped in range(1, STEPS):
        dense = tuple(step != skipped for step in range(STEPS))
        expected = squared_errors(found, carry, torch.tensor([dense]), 1).log10().mul(-10)
        assert float(expected) == pytest.approx(float(draw(dense)), abs=1e-2)
