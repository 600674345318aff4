"""Who takes part in a benchmark, and who cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokred.bench.contender import Contender, contender_names, parse_contenders
from tokred.bench.result import Failed, LeftOut, Row
from tokred.bench.subject import Subject
from tokred.errors import MissingPackage, SpecError, TokredError, UnsupportedModel
from tokred.method import Method


@dataclass(frozen=True)
class Lineup:
    """What is compared on a subject.

    Attributes:
        contenders: in the order of the rows.
        left_out: what does not fit the subject.
    """

    contenders: tuple[Contender, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def labels(self) -> list[str]:
        """Name and parameters of each contender, in order."""
        return [contender.label for contender in self.contenders]

    def pending(self, found: Iterable[Row | Failed]) -> list[Contender]:
        """Return the contenders of which nothing was found yet."""
        done = {each.label for each in found}
        return [contender for contender in self.contenders if contender.label not in done]


def line_up(subject: Subject, texts: Sequence[str | Path | Method] = ()) -> Lineup:
    """Apply each contender to the subject's model and take it away again, to see what fits.

    Args:
        subject: what is measured.
        texts: see `parse_contenders`; what is named has to fit. Without any, all methods and baselines that fit take
            part, and the others are left out.

    Raises:
        UnsupportedModel: if what is named does not fit the model.
        SpecError: likewise, or if a name or parameter is wrong, or nothing fits.
        ConflictError: if the model is patched already.
        MissingPackage: if what is named needs a package that is not installed.
    """
    contenders: list[Contender] = []
    left_out: list[LeftOut] = []
    for contender in parse_contenders(texts) if texts else _whatever_can_be_made(left_out):
        try:
            with contender.applied(subject.model):
                contenders.append(contender)
        except (SpecError, UnsupportedModel, MissingPackage) as error:
            if texts:
                raise
            left_out.append(LeftOut(contender.label, str(error)))
    if not contenders:
        reasons = " ".join(dict.fromkeys(each.why for each in left_out))
        raise SpecError(f"There is nothing to compare: no method and no baseline fits {subject.name}. {reasons}")
    return Lineup(tuple(contenders), tuple(left_out))


def _whatever_can_be_made(left_out: list[LeftOut]) -> Iterator[Contender]:
    """Yield every run of every method and baseline; a broken one of another distribution is left out."""
    for name in contender_names():
        try:
            yield from parse_contenders([name])
        except TokredError as error:
            left_out.append(LeftOut(name, str(error)))
