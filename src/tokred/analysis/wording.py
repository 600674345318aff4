"""Numbers in sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tokred.analysis.result import Analysis, Contrast
from tokred.bench.result import Score

Said = tuple[str, str, str]
"""What is said of something above a neutral value, below it, and where neither is certain."""


def verdict(score: Score, neutral: float, said: Said) -> str:
    """Choose what is said by whether the 95 % interval of `score` is above or below the neutral value."""
    above, below, level = said
    if score.low > neutral:
        return above
    return below if score.high < neutral else level


def by_direction(
    contrasts: Sequence[Contrast], neutral: float, said: Said, written: Callable[[Score, int], str]
) -> str:
    """Say each direction that occurs once, with its lags and values."""
    values: dict[str, list[str]] = {}
    for contrast in contrasts:
        value = f"{written(contrast.score, 3)} at lag {contrast.lag}"
        values.setdefault(verdict(contrast.score, neutral, said), []).append(value)
    return "; ".join(f"{direction}, {joined(found)}" for direction, found in values.items())


def paired(a: Score, b: Score) -> Score:
    """Return the difference `a - b` within each generation."""
    return Score.of([x - y for x, y in zip(a.values, b.values, strict=True)])


def spread(score: Score, digits: int) -> str:
    """Write a mean with its 95 % interval."""
    return f"{score.mean:.{digits}f} ({score.low:.{digits}f} to {score.high:.{digits}f})"


def signed(score: Score, digits: int) -> str:
    """Write a difference with its 95 % interval."""
    return f"{score.mean:+.{digits}f} ({score.low:+.{digits}f} to {score.high:+.{digits}f})"


def times(score: Score, digits: int) -> str:
    """Write a ratio with its 95 % interval."""
    return f"times {spread(score, digits)}"


def percent(share: float) -> str:
    """Write a share."""
    return f"{100 * share:g} %"


def joined(texts: Sequence[str]) -> str:
    """Write an enumeration."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def sites(analysis: Analysis) -> str:
    """Say how many sites were watched."""
    return f"{len(analysis.watched.sites)} sites in {analysis.watched.blocks} blocks"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    first, *rest = (f"| {' | '.join(cells)} |" for cells in (head, *rows))
    return "\n".join([first, "|" + "---|" * len(head), *rest])
