"""A schedule written out, step by step."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tokred.errors import SpecError
from tokred.interfaces import DENSE, Match, Phase, Plan, Seen, SiteInfo, Watched
from tokred.parts.roles import RoleMatcher

LETTERS = "DMRE"
IDLE = "I"
"""Stands last in a line for the idle steps."""
IDLE_NOISE = 0.01
"""The share of noise that an idle step has at most: our choice, below what is left at the last of 50 even steps."""
Steps = tuple[str, ...]
"""What each step does: "D", "M", "R", "E" or a ratio."""


@dataclass(frozen=True)
class Program:
    """Do at each step what a line says.

    "D" is a dense step, "M" a dense step that matches, a number a step that reduces at that ratio, and 1 a step at
    which no site is called. "R" is a step that leaves the tokens of reference pictures out, and no others; a dense one
    where there are none. "E" is a step at which the method's matcher, such as `UnchangedMatcher`, says how many tokens
    are left out. Letters may stand together, numbers stand apart. "D/7" is a dense step for every 7 steps of
    the generation, so that longer ones have more of them, and one of 6 none; "R/7" likewise. One part in parentheses
    with a star after it is repeated for as long as there are steps; what follows it are the last steps. With the star
    before it, the repetitions end on a whole one, and it is the first that is cut. Without one, the steps after the
    line are dense. A line that is longer than the generation is cut off.

    "I" at the very end skips the idle steps, whatever the line has for them. Some samplers, Stable Diffusion 3's among
    them, end on a step with next to no noise left, a share of at most `IDLE_NOISE`, which hardly moves the picture;
    Flux's do not. There are none where the sampler does not say beforehand.

    Attributes:
        text: the line.

    Examples:
        >>> print(Program("DDD(M .94 .94 1)*D"))
        D D D (M 0.94 0.94 1)* D
        >>> Program("DDD(M .94 1)*D").steps(9)
        ('D', 'D', 'D', 'M', '0.94', '1', 'M', '0.94', 'D')
        >>> Program("DD *(1 1 D)").steps(9)
        ('D', 'D', 'D', '1', '1', 'D', '1', '1', 'D')
        >>> Program("D D/4 (1)*").steps(9)
        ('D', 'D', 'D', '1', '1', '1', '1', '1', '1')
        >>> Program("D *(1 D) I").steps(6, idle=1)
        ('D', '1', 'D', '1', 'D', '1')
    """

    text: str
    reuses: ClassVar[bool] = True
    watches: ClassVar[tuple[Watched, ...]] = ()

    def __post_init__(self) -> None:
        first, repeated, _ = self._parts()
        if not (first + repeated)[:1] or (first + repeated)[0] not in "DM":
            raise SpecError(f"program={self.text!r} must begin with a dense step, D or M.")
        lengths = range(len(first), len(first + repeated) * 3 + 3)
        for steps in map(self.steps, lengths):
            self._check_ratios(steps)

    @property
    def ratio(self) -> float:
        """The largest ratio below 1; 1 where there is no other, or it differs: at "R" and "E"."""
        if any(step[0] in "RE" for part in self._parts() for step in part):
            return 1.0
        return max((ratio for ratio in self._ratios() if ratio < 1), default=float(self.skips))

    @property
    def skips(self) -> bool:
        """Whether there is a step at which no site is called."""
        return 1 in self._ratios() or self._skips_idle

    def steps(self, number: int, idle: int = 0) -> Steps:
        """Return what each step of a generation of so many does, of which the last `idle` ones are idle."""
        first, repeated, last = (_written_out(part, number) for part in self._parts())
        between = number - len(first) - len(last)
        filling = repeated or ("D",)
        cut = -between if self._ends_whole else 0
        middle = tuple(filling[(i + cut) % len(filling)] for i in range(between))
        idle = idle if self._skips_idle else 0
        return (first + middle + last)[: number - idle] + ("1",) * idle

    def plan(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match]) -> Plan:
        """Plan what the line says, the same for every site; a model as a whole leaves no tokens out."""
        return self.plan_seen(step, steps, site, matches, Seen())

    def plan_seen(self, step: int, steps: int, site: SiteInfo, matches: Sequence[Match], seen: Seen) -> Plan:
        """Plan what the line says, with the idle steps that the noise tells."""
        written, plans = _plans(self, steps, idle_steps(seen.noise))
        if written[step] == "R":
            return DENSE if site.kind == "model" else _without_references(site)
        return plans[step]

    def __str__(self) -> str:
        first, repeated, last = (" ".join(part) for part in self._parts())
        written = f"*({repeated})" if self._ends_whole else f"({repeated})*"
        idle = IDLE if self._skips_idle else ""
        return " ".join(part for part in (first, written if repeated else "", last, idle) if part)

    @property
    def _skips_idle(self) -> bool:
        return self.text.rstrip().endswith(IDLE)

    @property
    def _ends_whole(self) -> bool:
        """Whether the first repetition is cut, rather than the last."""
        return "*(" in self.text

    def _parts(self) -> tuple[Steps, Steps, Steps]:
        """Return the first steps, the repeated ones and the last ones."""
        start, end = ("*(", ")") if self._ends_whole else ("(", ")*")
        before, opening, rest = self.text.rstrip().removesuffix(IDLE).partition(start)
        repeated, closing, after = rest.partition(end)
        if opening and not (closing and repeated.strip()):
            raise SpecError(f"program={self.text!r}: a repeated part is written (...)* or *(...), with steps inside.")
        parts = self._read(before), self._read(repeated), self._read(after)
        if any(map(_is_every, parts[1])):
            raise SpecError(
                f"program={self.text!r}: a repeated part has the same steps in every generation: no D/N, no R/N."
            )
        return parts

    def _read(self, text: str) -> Steps:
        steps = [step for word in text.split() for step in _split(word)]
        for step in steps:
            if step not in LETTERS and not _is_every(step) and not _is_ratio(step):
                raise SpecError(
                    f"program={self.text!r}: {step!r} is not a step. Allowed: D (dense), M (dense, and match), R "
                    "(without the references), E (without what the matcher says), a ratio above 0 and at most 1, one "
                    "repeated part such as (M .5 .5)*, D/N or R/N (one such step for every N), and I at the very end "
                    "(idle steps are skipped)."
                )
        return tuple(f"{float(step):g}" if _is_ratio(step) else step for step in steps)

    def _ratios(self) -> set[float]:
        return {float(step) for part in self._parts() for step in part if _is_ratio(step)}

    def _check_ratios(self, steps: Steps) -> None:
        """Raise `SpecError` unless every ratio below 1 is the one that the match before it was made for."""
        made: float | None = None
        for place, step in enumerate(steps):
            if step == "M":
                made = next(iter(_matched(steps[place + 1 :])), None)
            elif step not in "DRE1" and float(step) != made:
                why = "no match, M, comes before it" if made is None else f"the match before it is made for {made:g}"
                raise SpecError(f"program={self.text!r}: at ratio {step}, {why}. Put an M between two ratios.")


@functools.lru_cache
def _plans(program: Program, number: int, idle: int) -> tuple[Steps, tuple[Plan, ...]]:
    """Return the steps of a generation, and the plan of each."""
    steps = program.steps(number, idle)
    return steps, tuple(_plan(step, steps[place + 1 :]) for place, step in enumerate(steps))


@functools.lru_cache
def idle_steps(noise: tuple[float, ...]) -> int:
    """Return how many steps at the end of a generation are idle, by the share of noise at each; the first never is."""
    return len(list(itertools.takewhile(lambda share: share <= IDLE_NOISE, noise[:0:-1])))


def _plan(step: str, ahead: Steps) -> Plan:
    if step == "E":
        return Plan(Phase.MATCH_REDUCE, counted=True)
    if step not in LETTERS:
        return Plan(Phase.REDUCE, float(step))
    ratio = next(iter(_matched(ahead)), 0.0) if step == "M" else 0.0
    return Plan(Phase.MATCH, ratio) if ratio else DENSE  # a match that nothing follows is not made


def _without_references(site: SiteInfo) -> Plan:
    given = site.layout.count("reference")
    return Plan(Phase.MATCH_REDUCE, given / site.tokens, matcher=RoleMatcher("reference")) if given else DENSE


def _matched(ahead: Steps) -> list[float]:
    """Return the ratios below 1 until the next match."""
    until = ahead.index("M") if "M" in ahead else len(ahead)
    return [float(step) for step in ahead[:until] if step not in "DRE1"]


def _split(word: str) -> list[str]:
    """Return the steps of a word: its letters, and the number after them."""
    if "/" in word:
        return [word]
    letters = word.rstrip(".0123456789")
    return [*letters, *([word[len(letters) :]] if word != letters else [])]


def _is_every(step: str) -> bool:
    """Say whether a step is written D/N or R/N, N being at least 2."""
    return step.startswith(("D/", "R/")) and step[2:].isdecimal() and int(step[2:]) >= 2


def _written_out(steps: Steps, number: int) -> Steps:
    """Return the steps with "D" in the place of each "D/N", as often as `number` holds N; likewise "R"."""
    times = [(step, 1) if not _is_every(step) else (step[0], number // int(step[2:])) for step in steps]
    return tuple(step for step, count in times for _ in range(count))


def _is_ratio(text: str) -> bool:
    try:
        return 0 < float(text) <= 1
    except ValueError:
        return False
