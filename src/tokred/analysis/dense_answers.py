"""What dense generations answer, as blocks of a page."""

from __future__ import annotations

from tokred.analysis.result import Analysis
from tokred.analysis.wording import by_direction, percent, signed, sites, spread, table, times
from tokred.bench.result import Score


def similarity(analysis: Analysis) -> list[str]:
    """Say whether similarity persists from step to step, of outputs and of inputs."""
    names = ("outputs_pearson", "outputs_rank", "inputs_pearson", "inputs_rank")
    first, last = (analysis.curves["outputs_pearson"][place] for place in (1, -1))
    compared = by_direction(
        analysis.contrasts["outputs_minus_inputs"][1:],
        0,
        ("outputs persist more than inputs", "outputs persist less than inputs", "neither persists more"),
        signed,
    )
    return [
        "## Does similarity persist from step to step?",
        "**Measured**: the correlation of the similarity matrix (every source by every destination) of a site at a "
        "step with its own `lag` steps earlier: of the cosines (Pearson) and of their ranks.",
        f"**Answer**: the similarity of outputs correlates over {_steps(first.lag)} at {spread(first.score, 3)}, over "
        f"{_steps(last.lag)} at {spread(last.score, 3)}. Its correlation less that of inputs: {compared}. "
        f"{_n(analysis)} {_least_persistent(analysis)}",
        table(
            ("lag", "outputs, Pearson", "outputs, ranks", "inputs, Pearson", "inputs, ranks"),
            [
                [str(lag), *(spread(analysis.curves[name][place].score, 3) for name in names)]
                for place, lag in _lags(analysis)
            ],
        ),
        "![Correlation of similarity over lag and step](correlations.png)",
        "By site and step, the mean over the generations:",
        "![Correlation of similarity by site and step](layers.png)",
    ]


def inputs(analysis: Analysis) -> list[str]:
    """Say whether input similarity tells output similarity, and whether earlier outputs tell more."""
    names = ("outputs_pearson", "crossed_pearson", "crossed_rank")
    cosines, ranks = (analysis.curves[name][0].score for name in names[1:])
    compared = by_direction(
        analysis.contrasts["earlier_outputs_minus_inputs_now"][1:],
        0,
        (
            "the earlier outputs say more than the step's own inputs",
            "the earlier outputs say less than the step's own inputs",
            "neither says more",
        ),
        signed,
    )
    return [
        "## Does input similarity tell output similarity?",
        "**Measured**: the correlation of input similarity at one step with output similarity `lag` steps later; lag 0 "
        "is the same step. Beside it that of outputs with outputs, from above.",
        f"**Answer**: at the same step inputs correlate with outputs at {spread(cosines, 3)}, by ranks at "
        f"{spread(ranks, 3)}. An input-matched method has the step's own inputs to go by, DiTo an earlier step's "
        f"outputs. Correlation with the step's output similarity, earlier outputs less own inputs: {compared}. "
        f"{_n(analysis)}",
        table(
            ("lag", "outputs then, outputs now", "inputs then, outputs now", "the same, ranks"),
            [
                [str(lag), *(spread(analysis.curves[name][place].score, 3) for name in names)]
                for place, lag in ((0, 0), *_lags(analysis))
            ],
        ),
    ]


def pairs(analysis: Analysis) -> list[str]:
    """Say how long pairs last."""
    last = analysis.curves["outputs_pmr"][-1]
    band, least = last.by_step, min(range(len(last.by_step.mean)), key=last.by_step.mean.__getitem__)
    return [
        "## How long do pairs last?",
        "**Measured**: the pair match ratio (PMR): the share of a step's pairs (source, destination) that the step "
        f"`lag` later finds again, over the same destinations, {percent(analysis.settings.ratio)} of the tokens being "
        "removed. This is our reconstruction of the paper's quantity.",
        f"**Answer**: of the pairs matched by outputs {spread(last.score, 3)} are found again {_steps(last.lag)} "
        f"later. {_n(analysis)} It is lowest at step {last.lag + least}: "
        f"{_ends(band.mean, band.low, band.high, least)}, n = {analysis.settings.samples} generations, "
        f"{sites(analysis)}.",
        table(
            ("lag", "PMR, matched by outputs", "PMR, matched by inputs"),
            [
                [str(lag), *(spread(analysis.curves[f"{side}_pmr"][place].score, 3) for side in ("outputs", "inputs"))]
                for place, lag in _lags(analysis)
            ],
        ),
        "![Pair match ratio over lag and step](pairs.png)",
    ]


def errors(analysis: Analysis) -> list[str]:
    """Say what reuse costs."""
    fresh, own = analysis.contrasts["reused_over_fresh"], analysis.contrasts["reused_over_inputs"]
    against_fresh = by_direction(
        fresh[1:], 1, ("reused pairs are worse", "reused pairs are better", "no difference is seen"), times
    )
    against_inputs = by_direction(
        own[1:], 1, ("the reused pairs are worse", "the reused pairs are better", "no difference is seen"), times
    )

    def row(place: int, lag: int) -> list[str]:
        scores: list[Score] = [analysis.curves["outputs_error"][place].score, fresh[place].score, own[place].score]
        return [str(lag), *(spread(score, 3) for score in scores)]

    return [
        "## What does reuse cost?",
        "**Measured**: each removed output is recovered by copying its destination's true, dense output. The error is "
        "the squared distance over the squared length of all outputs. Pairs matched by outputs `lag` steps earlier "
        "(reused) stand against pairs matched at the step itself, by outputs (fresh) and by inputs. This is the error "
        "of one reduction on dense activations; what errors add up to in a generation stands further below.",
        f"**Answer**: error of reused over that of fresh pairs: {against_fresh}. Over that of pairs matched at the "
        f"step by inputs: {against_inputs}. {_n(analysis)}",
        table(
            ("lag", "error, reused", "reused / fresh", "reused / input-matched"),
            [row(place, lag) for place, lag in ((0, 0), *_lags(analysis))],
        ),
        "![Error of reused pairs over lag and step](errors.png)",
    ]


def _least_persistent(analysis: Analysis) -> str:
    curve = analysis.curves["outputs_pearson"][-1]
    band, place = curve.by_site, min(range(len(analysis.watched.sites)), key=curve.by_site.mean.__getitem__)
    return (
        f"Outputs persist least at `{analysis.watched.sites[place]}`: over {_steps(curve.lag)} "
        f"{_ends(band.mean, band.low, band.high, place)}, n = {analysis.settings.samples} generations, "
        f"{len(curve.by_step.mean)} steps."
    )


def _ends(mean: tuple[float, ...], low: tuple[float, ...], high: tuple[float, ...], place: int) -> str:
    return f"{mean[place]:.3f} ({low[place]:.3f} to {high[place]:.3f})"


def _lags(analysis: Analysis) -> list[tuple[int, int]]:
    """Return place and lag of all lags but 0."""
    return list(enumerate((0, *analysis.settings.lags)))[1:]


def _steps(lag: int) -> str:
    return f"{lag} step{'s' * (lag > 1)}"


def _n(analysis: Analysis) -> str:
    settings = analysis.settings
    return f"n = {settings.samples} generations, {settings.steps} steps less the lag, {sites(analysis)}."
