"""An analysis as a page: for each question what was measured, the answer in numbers, and the plot.

Every sentence is made from the data; one that says which of two things is more is chosen by the 95 % interval.
"""

from __future__ import annotations

from tokred.analysis.dense_answers import errors, inputs, pairs, similarity
from tokred.analysis.reduced_answers import failures, penalty
from tokred.analysis.result import Analysis
from tokred.analysis.wording import sites, spread

SUMMARY_HEAD = (
    "model",
    "generations",
    "lag, steps",
    "outputs with earlier outputs",
    "inputs with earlier inputs",
    "outputs with own inputs",
    "PMR",
    "error: reused / fresh",
    "reused / input-matched",
)


def page(analysis: Analysis) -> str:
    """Return the page as Markdown; its plots lie beside it."""
    parts = (_head, similarity, inputs, pairs, errors, penalty, failures, _foot)
    return "\n\n".join(block for part in parts for block in part(analysis)) + "\n"


def summary(analysis: Analysis) -> list[list[str]]:
    """Return the rows of a table that sums an analysis up, one for each lag; see `SUMMARY_HEAD`."""
    curves, contrasts = analysis.curves, analysis.contrasts
    return [
        [
            analysis.model,
            str(analysis.settings.samples),
            str(lag),
            spread(curves["outputs_pearson"][place].score, 3),
            spread(curves["inputs_pearson"][place].score, 3),
            spread(curves["crossed_pearson"][0].score, 3),
            spread(curves["outputs_pmr"][place].score, 3),
            spread(contrasts["reused_over_fresh"][place].score, 2),
            spread(contrasts["reused_over_inputs"][place].score, 2),
        ]
        for place, lag in enumerate((0, *analysis.settings.lags))
        if lag
    ]


def _head(analysis: Analysis) -> list[str]:
    settings = analysis.settings
    return [
        f"# {analysis.model}: does output similarity persist?",
        f"{settings.samples} dense generations of {settings.steps} steps (seeds {settings.seeds[0]} to "
        f"{settings.seeds[-1]}) were watched at all {sites(analysis)}. A site is an attention or an MLP, or a whole "
        "block where it computes both at once; its *output* is its residual branch, its *input* what it is called "
        "with. Similarity is the cosine of a source token with a destination token; destinations are one random token "
        "in each cell of 2 by 2, the same at all steps.",
        "A number is a mean over generations, each of which is a mean over steps and sites; in brackets the mean's "
        "95 % interval (bootstrap over the generations). What compares steps L apart leaves out the first L steps. "
        "Where one thing is said to be more than another, the interval of their difference, or ratio, within each "
        "generation excludes that they are equal; where it does not, that is said. The site or step that is least is "
        "the one whose mean came out so.",
        "All numbers, with versions and device, are in [analysis.json](analysis.json), which "
        "[Does output similarity persist?](../index.md) describes.",
    ]


def _foot(analysis: Analysis) -> list[str]:
    versions, device, command = analysis.versions, analysis.device, analysis.settings.command
    made = f"`{command}`" if command else "Called from Python"
    return [
        "## How it was made",
        f"{made}, at commit {versions.commit or 'unknown (it was installed)'}: tokred {versions.tokred}, torch "
        f"{versions.torch}, diffusers {versions.diffusers}, Python {versions.python}, {device.name} ({device.type}), "
        f"{analysis.date}. No time is measured here.",
    ]
