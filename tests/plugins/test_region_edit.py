"""Region edit against the dense model, whose rows of tokens that leave are replaced by hooks, and chosen by loops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from families.models import sites_of
from plugins.editing import DRAWN, TARGET, Editing, carried, editing, noise
from plugins.test_reference_cache import kontext
from torch import nn

import tokred
from tokred import SpecError, UnsupportedModel
from tokred.parts import Program, UnchangedMatcher
from tokred.testing.tolerance import assert_same_computation

GIVEN = ((2, 3), TARGET)
"""The grids of two references; the second is that of what is drawn."""
REFERENCES = 2 * 3 + DRAWN
REFERENCE = DRAWN + 2 * 3
"""Where the reference begins that drawn tokens are compared with."""


def edited(name: str, steps: int) -> Editing:
    """Build a model with calls in which a part of the picture is nearly the reference's."""
    edit = editing(name, steps, GIVEN)
    for arguments in edit.calls:
        rows = arguments["hidden_states"]
        same = slice(0, DRAWN // 2)
        rows[:, same] = rows[:, REFERENCE : REFERENCE + DRAWN][:, same] + 0.05 * rows[:, same]
    return edit


def unchanged(clean: torch.Tensor, given: torch.Tensor, threshold: float, margin: int) -> list[int]:
    """List the tokens of `[B, T, C]` around which nothing differs, in any sample."""
    height, width = TARGET

    def changes(row: int, column: int) -> bool:
        place = row * width + column
        return any(
            abs(float(clean[b, place, c]) - float(given[b, place, c])) >= threshold
            for b in range(len(clean))
            for c in range(clean.shape[2])
        )

    return [
        row * width + column
        for row in range(height)
        for column in range(width)
        if not any(
            changes(y, x)
            for y in range(max(0, row - margin), min(height, row + margin + 1))
            for x in range(max(0, column - margin), min(width, column + margin + 1))
        )
    ]


class Reference:
    """The dense model with remembered keys and values in the rows of what leaves, and the outputs carried on there."""

    def __init__(self, edit: Editing, program: str, threshold: float, margin: int, references: bool) -> None:
        self.edit, self.program = edit, program
        self.choice = threshold, margin
        self.references = list(range(DRAWN, DRAWN + REFERENCES)) if references else []
        self.known: list[tuple[int, torch.Tensor]] = []
        self.seen: dict[nn.Module, torch.Tensor] = {}
        self.leaving: list[int] = []
        self.gone: list[int] = []

    def outputs(self) -> list[torch.Tensor]:
        """Return the rows of the drawn picture at every step."""
        steps = len(self.program)
        made = []
        with self._standing():
            for i, letter in enumerate(self.program):
                rows = self.edit.calls[i]["hidden_states"]
                self.leaving = []
                if letter == "E":
                    clean = rows[:, :DRAWN] - noise(i, steps) * made[-1]
                    left = unchanged(clean, rows[:, REFERENCE : REFERENCE + DRAWN], *self.choice)
                    self.leaving = left + self.references
                if letter == "R":
                    self.leaving = list(range(DRAWN, DRAWN + REFERENCES))
                forecast = carried(self.known, i, steps) if self.known else None
                output = forecast if letter == "1" else self._called(i)
                drawn = [place for place in self.leaving if place < DRAWN]
                if drawn:
                    output = output.clone()
                    output[:, drawn] = forecast[:, drawn]
                if letter != "1":
                    self.known.append((i, output))
                made.append(output)
                self.gone.append(len(self.leaving))
        return made

    @torch.no_grad()
    def _called(self, step: int) -> torch.Tensor:
        moment = torch.full((2,), noise(step, len(self.program)))
        rows: torch.Tensor = self.edit.model(**self.edit.calls[step], timestep=moment, return_dict=False)[0]
        return rows[:, :DRAWN]

    @contextmanager
    def _standing(self) -> Iterator[None]:
        attentions: list[Any] = [site.module.attn for site in sites_of(self.edit.model, "block")]
        hooks = [layer.register_forward_hook(self._put) for each in attentions for layer in (each.to_k, each.to_v)]
        yield
        for hook in hooks:
            hook.remove()

    def _put(self, layer: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        if not self.leaving:
            self.seen[layer] = output.clone()
            return output
        places = [output.shape[1] - DRAWN - REFERENCES + place for place in self.leaving]
        output = output.clone()
        output[:, places] = self.seen[layer][:, places]
        return output


@pytest.mark.parametrize("references", [False, True])
@pytest.mark.parametrize(("name", "threshold"), [("flux", 2.7), ("qwen-image-edit", 3.5)])
def test_it_computes_what_the_edit_changes(name: str, threshold: float, references: bool) -> None:
    program, choice = "DDRD1EDE", {"threshold": threshold, "margin": 1, "references": references}
    edit = edited(name, len(program))
    reference = Reference(edit, program, **choice)
    expected = reference.outputs()
    with tokred.apply(edit.model, "region_edit", program=program, **choice) as run:
        found = edit.stepwise()
        calls = run.report().calls
    for actual, wanted in zip(found, expected, strict=True):
        assert_same_computation(actual, wanted)
    removed = {call.position.step: call.removed for call in calls if call.site.kind != "model" and not call.skipped}
    assert removed == {i: gone for i, gone in enumerate(reference.gone) if program[i] != "1"}
    assert 0 < removed[5] - REFERENCES * references < DRAWN, "the case is one in which a part leaves"


def test_the_host_is_asked_for_the_sample_with_the_least_that_is_unchanged() -> None:
    matcher, layout = UnchangedMatcher(0.5, 0), tokred.Layout(grids=(TARGET, TARGET), roles=("target", "reference"))
    features = torch.zeros(2, 2 * DRAWN, 3)
    features[0, :2, 1] = 1.0
    features[1, :5, 2] = -0.5
    assert matcher.count(features, layout) == DRAWN - 5
    r = matcher.count(features, layout)
    reduction = matcher.match(features, matcher.draw(layout, r, torch.Generator()), r, None, {})  # type: ignore[arg-type]
    assert reduction.is_kept[0, :2].all()
    assert reduction.is_kept[1, :5].all()


def test_an_edit_of_the_whole_picture_is_dense() -> None:
    edit = edited("flux", 3)
    dense = edit.stepwise()
    with tokred.apply(edit.model, "region_edit", program="D (E)*", threshold=1e-6) as run:
        found = edit.stepwise()
        assert run.report().compute == 1
    assert all(torch.equal(a, b) for a, b in zip(found, dense, strict=True))


@pytest.mark.parametrize("given", [(), ((2, 3),)], ids=["none", "of another size"])
def test_without_a_reference_of_the_same_size_it_is_refused(given: tuple[tuple[int, int], ...]) -> None:
    edit = editing("flux", 2, given)
    with (
        tokred.apply(edit.model, "region_edit", program="D E"),
        pytest.raises(UnsupportedModel, match=r"no reference has the grid of the one that is drawn\. Give a reference"),
    ):
        edit.stepwise()


def test_a_pipeline_of_flux_kontext() -> None:
    pipe, arguments = kontext()
    arguments |= {"image": torch.randn(2, 1, 12, 16, generator=torch.Generator().manual_seed(2))}
    pipe.set_progress_bar_config(disable=True)

    def draw() -> torch.Tensor:
        made = pipe(
            **arguments, num_inference_steps=6, generator=torch.Generator().manual_seed(0), output_type="latent"
        )
        latents: torch.Tensor = made.images
        return latents

    dense = draw()
    with tokred.apply(pipe, "region_edit", program="D D (1 E)*", threshold=4.0, margin=0) as run:
        first = draw()
        assert torch.equal(draw(), first), "nothing is left from the generation before"
        assert run.report().unplanned == 0
        assert run.report().compute < 4 / 6
    assert (first - dense).abs().mean() < 0.5 * dense.abs().mean()
    assert torch.equal(draw(), dense)


def test_a_matcher_that_does_not_say_how_many_go() -> None:
    edit = edited("flux", 2)
    method = tokred.Method(
        similarity=tokred.parts.Cosine("input"),
        matcher=tokred.parts.GridMatcher(),
        scheduler=Program("D E"),
        recovery=tokred.parts.Copy(),
    )
    with (
        tokred.apply(edit.model, method),
        pytest.raises(SpecError, match="has the matcher say how many tokens go, which takes one that does"),
    ):
        edit.stepwise()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"threshold": 0}, "threshold=0 must be a finite number above 0"), ({"margin": -1}, "margin=-1 must be")],
)
def test_parameters_that_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        UnchangedMatcher(**parameters)
