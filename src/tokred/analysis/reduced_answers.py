"""What reduced generations answer, as blocks of a page."""

from __future__ import annotations

from tokred.analysis.result import Analysis, PenaltyRun
from tokred.analysis.wording import paired, signed, spread, table, verdict
from tokred.bench.result import Score


def penalty(analysis: Analysis) -> list[str]:
    """Say whether the penalty spreads the choice, and whether the grid shows."""
    off, *others = analysis.penalties
    heads = ("run", "PSNR, dB", "picture: token lines", "picture: cell lines", "error: token lines")
    dense = ["dense", "", spread(analysis.dense.tokens, 2), spread(analysis.dense.cells, 2), "", "", "", ""]
    return [
        "## Does the penalty spread the choice, and does the grid show?",
        f"**Measured**: the same seeds by `{off.label}` ({off.matches} matches in {analysis.settings.steps} steps) and "
        "with the selection-frequency penalty on. *Always removed*: the share of a site's tokens that every match "
        "removed. *Blocking*: gradient energy across lines over that elsewhere; 1 is a line that does not show. Token "
        f"lines lie every {analysis.watched.patch} pixels; cell lines, the stride's, every "
        f"{2 * analysis.watched.patch}. The dense pictures, which are made "
        "token by token, have a value of their own: the yardstick. *Error* is the same of the "
        "difference from the dense picture, *map* of the token map (how often each token was removed), where cell "
        "lines lie after every second token.",
        "**Answer**: " + " ".join(_answer(analysis, off, run) for run in others),
        table(
            (*heads, "error: cell lines", "map: cell lines", "always removed"), [dense, *map(_row, analysis.penalties)]
        ),
        "![How often tokens were removed](frequency.png)",
    ]


def failures(analysis: Analysis) -> list[str]:
    """Name the pictures that came out worst."""
    found, samples = analysis.failures, analysis.settings.samples
    low, high = min(found.psnr.values), max(found.psnr.values)
    return [
        "## Failure cases",
        f"**Measured**: the same seeds by `{found.label}`, which computes {found.compute:.2f} of the reduced sites' "
        "operations, without matching.",
        f"**Answer**: PSNR against the dense pictures is {spread(found.psnr, 1)} dB, from {low:.1f} to {high:.1f} dB "
        f"for single ones, n = {samples} pictures. The failure cases, the worst {len(found.worst)} of {samples}:",
        table(
            ("seed", "asked for", "PSNR, dB"),
            [[str(case.seed), case.asked, f"{case.psnr:.1f}"] for case in found.worst],
        ),
        "![Failure cases: dense, reduced and their difference](failures.png)",
    ]


def _row(run: PenaltyRun) -> list[str]:
    blocking = (run.picture.tokens, run.picture.cells, run.error.tokens, run.error.cells, run.map_cells)
    scores = [spread(score, 2) for score in blocking]
    return [f"penalty {run.weight:g}", spread(run.psnr, 1), *scores, spread(run.always, 3)]


def _answer(analysis: Analysis, off: PenaltyRun, on: PenaltyRun) -> str:
    dense, chance = analysis.dense.cells, analysis.settings.ratio**on.matches
    return (
        f"With penalty {on.weight:g}, compared with none, the share of tokens that are always removed is "
        f"{_change(on.always, off.always, 3)} (choices at random give {chance:.3f}); PSNR is "
        f"{_change(on.psnr, off.psnr, 2)} dB; blocking on cell lines is "
        f"{_change(on.picture.cells, off.picture.cells, 3)} in the pictures, "
        f"{_change(on.error.cells, off.error.cells, 3)} in the error and {_change(on.map_cells, off.map_cells, 3)} in "
        "the token map. Compared with the dense pictures, blocking on cell lines is "
        f"{_change(off.picture.cells, dense, 3)} without the penalty, and {_change(on.picture.cells, dense, 3)} with "
        f"it. n = {analysis.settings.samples} pictures, differences within each seed."
    )


def _change(a: Score, b: Score, digits: int) -> str:
    difference = paired(a, b)
    return f"{verdict(difference, 0, ('higher', 'lower', 'not seen to differ'))}, {signed(difference, digits)}"
