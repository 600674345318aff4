"""Region edit: of a picture that is edited, only the region that changes is computed; tokred's own form of it."""

from __future__ import annotations

from tokred import Method, Remembered
from tokred.parts import Cached, Cosine, Forecast, Program, UnchangedMatcher, Untouched
from tokred_plugins.reference_cache import ALL_BLOCKS

USUAL = UnchangedMatcher()


def region_edit(
    *,
    program: str = "D D D (1 E 1 D)* D",
    threshold: float = USUAL.threshold,
    margin: int = USUAL.margin,
    references: bool = USUAL.references,
    memory: Remembered = "model",
) -> Method:
    """Leave out the drawn tokens that turn out as the reference has them, and carry their outputs on.

    Before each step "E" the clean picture is foreseen from the last output. Tokens that differ from the reference in
    the same place by less than the threshold leave; the others attend to their keys and values as kept. All are let
    back in at each "D".

    Args:
        program: the schedule as a line, see `tokred.parts.Program`: at "D" everything is computed; at "E" what changes;
            at "R" all but the references; at 1 the model is skipped.
        threshold: least difference of a channel at which a token counts as changed, above 0, in the latents' units.
        margin: so many rows and columns around a changed token are computed too.
        references: whether the references are left out at "E" as well.
        memory: "model", or "half" for what is remembered in half precision.
    """
    return Method(
        name="region_edit",
        similarity=Cosine("clean"),  # no pairs are scored: its signal is what the matcher sees
        matcher=UnchangedMatcher(threshold, margin, references),
        scheduler=Program(program),
        recovery=Untouched(model=Forecast(update=True)),
        sites=("attn", "mlp", "model"),
        keys=Cached(),
        share=ALL_BLOCKS,
        memory=memory,
    )
