"""How much the keys of a reference change from step to step, and why: `python benchmarks/reference_keys.py`.

It edits a few pictures with emoji-edit at 32 pixels in 20 steps, notes what the model was called with, and looks at the
keys of the reference's tokens in every block: how far they are from those of the step before, how far where only the
time is another or only the picture, and how far a line through two earlier steps is from them; beside it the same line
through what the model returned. All are lengths of differences over lengths. It writes
docs/results/reference_keys.json.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from where_tokens_pay import REFERENCES, SEED, subject_of

from tokred import apply
from tokred import step as tell
from tokred.bench.environment import Device, Versions
from tokred.bench.json_file import write_json
from tokred.bench.prompting import PipelineSubject

OUT = Path(__file__).parents[1] / "docs" / "results" / "reference_keys.json"
SIZE, STEPS, SAMPLES = 32, 20, 4
PLACES = range(4, 17, 4)
"""The steps that are looked at."""


@dataclass(frozen=True)
class Change:
    """Relative differences, means over pictures, steps and, of keys, blocks.

    Attributes:
        versions: of what it ran on.
        device: likewise.
        samples: number of pictures.
        steps: denoising steps.
        step: of the keys, from one step to the next.
        first_block: likewise, in the first block alone.
        by_time: where only the time is that of the next step.
        by_picture: where only the drawn picture is.
        line: how far the next step's keys are from the line through this step's and those two steps before.
        output: from one step to the next, of what the model returns.
        output_line: likewise how far it is from such a line.
        left_out: how far it is, at the next step, from what the model returns with the reference's keys and values of
            this step.
    """

    versions: Versions
    device: Device
    samples: int
    steps: int
    step: float
    first_block: float
    by_time: float
    by_picture: float
    line: float
    output: float
    output_line: float
    left_out: float


class Seen:
    """The calls of one generation, and the keys of any call of the model.

    Args:
        subject: draws.
        seed: of the picture.
    """

    def __init__(self, subject: PipelineSubject, seed: int) -> None:
        self.model: Any = subject.model.transformer
        self.calls: list[dict[str, Any]] = []
        hook = self.model.register_forward_pre_hook(
            lambda m, a, kwargs: self.calls.append(dict(kwargs)), with_kwargs=True
        )
        subject.generate([seed], STEPS)
        hook.remove()

    @torch.no_grad()
    def keys(self, step: int, **others: Any) -> list[torch.Tensor]:
        """Return the reference's keys in every block at a step, called with `others`, and then the model's output."""
        keys: list[torch.Tensor] = []
        blocks = [*self.model.transformer_blocks, *self.model.single_transformer_blocks]
        tokens = self.calls[0]["hidden_states"].shape[1] // 2
        hooks = [b.attn.to_k.register_forward_hook(lambda m, a, out: keys.append(out[:, -tokens:])) for b in blocks]
        output = self.model(**self.calls[step] | others)[0][:, :tokens]
        for hook in hooks:
            hook.remove()
        return [*keys, output]

    @torch.no_grad()
    def left_out(self, step: int) -> torch.Tensor:
        """Return the model's output at the step after `step` with the reference's keys and values of `step`."""
        with apply(self.model, "reference_cache", program="D R"):
            for index in range(2):
                with tell(index, 2):
                    output: torch.Tensor = self.model(**self.calls[step + index])[0]
        return output[:, : output.shape[1] // 2]


def apart(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Return the length of the difference over the length of what is wanted."""
    return ((found - wanted).norm() / wanted.norm()).item()


def place(seen: Seen, step: int) -> float:
    """Return the log of the ratio of picture to noise at a step."""
    time = min(float(seen.calls[step]["timestep"]), 1 - 1e-3)
    return math.log((1 - time) / time)


def lined(seen: Seen, step: int, now: list[torch.Tensor]) -> list[torch.Tensor]:
    """Carry on the line through a step and that two before it to the next one."""
    before = seen.keys(step - 2)
    share = (place(seen, step + 1) - place(seen, step)) / (place(seen, step) - place(seen, step - 2))
    return [b + (b - a) * share for a, b in zip(before, now, strict=True)]


def changes(seen: Seen, step: int) -> dict[str, float]:
    """Look at one step."""
    now, then, after = seen.keys(step), seen.keys(step + 1), seen.calls[step + 1]
    lines = lined(seen, step, now)

    def mean(found: list[torch.Tensor], wanted: list[torch.Tensor]) -> float:
        return statistics.fmean(map(apart, found[:-1], wanted[:-1]))

    return {
        "step": mean(now, then),
        "first_block": apart(now[0], then[0]),
        "by_time": mean(seen.keys(step, timestep=after["timestep"]), now),
        "by_picture": mean(seen.keys(step, hidden_states=after["hidden_states"]), now),
        "line": mean(lines, then),
        "output": apart(now[-1], then[-1]),
        "output_line": apart(lines[-1], then[-1]),
        "left_out": apart(seen.left_out(step), then[-1]),
    }


def main() -> None:
    subject = subject_of(SIZE)
    found = [
        changes(Seen(subject, SEED + i), step) for i in range(0, REFERENCES, REFERENCES // SAMPLES) for step in PLACES
    ]
    means = {name: round(statistics.fmean(each[name] for each in found), 4) for name in found[0]}
    write_json(Change(Versions.here(), Device.of(subject.device), SAMPLES, STEPS, **means), OUT)
    print(means)


if __name__ == "__main__":
    main()
