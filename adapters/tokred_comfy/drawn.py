"""What is told of a sampling once it is over: plain data that holds on to no model."""

from __future__ import annotations

from dataclasses import dataclass, field

import tokred


@dataclass(frozen=True)
class Drawn:
    """A sampling that has ended.

    Attributes:
        report: what was computed; None where the model was not called.
        kept: for each site, the image tokens that its last match kept of the first sample.
        notes: what else is to be known of it.
    """

    report: tokred.Report | None = None
    kept: dict[str, list[int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: tokred.Run, notes: tuple[str, ...]) -> Drawn:
        """Keep what a run did, before it is removed."""
        return cls(run.report(), run.kept_tokens(), notes)

    @property
    def text(self) -> str:
        """The report in words."""
        if self.report is None:
            return "Nothing was drawn with this model yet."
        return "\n".join([repr(self.report), *(f"  {note}." for note in self.notes)])
