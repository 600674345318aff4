"""What the parts of a batch that ComfyUI makes are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

KINDS = {0: "cond", 1: "uncond"}
"""ComfyUI's numbers for what a part is guided by."""


class BranchNames:
    """Names the parts of each call, so that each is remembered by itself however ComfyUI batches them."""

    def __init__(self) -> None:
        self._known: dict[Hashable, str] = {}
        self._calls: Counter[tuple[int, str]] = Counter()

    def names(self, step: int, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the branches in a call, in the order of its batch.

        Args:
            step: further calls of a branch at one step have names of their own.
            options: the call's `transformer_options`.
        """
        frames = getattr(options.get("context_window"), "index_list", ())
        kinds = options["cond_or_uncond"]
        uuids = options.get("uuids") or [None] * len(kinds)
        return tuple(
            self._counted(step, self._name(kind, (kind, uuid, tuple(frames))))
            for kind, uuid in zip(kinds, uuids, strict=True)
        )

    def _name(self, kind: int, key: Hashable) -> str:
        if key not in self._known:
            base = KINDS.get(kind, f"guide {kind}")
            others = sum(name.split(" ")[0] == base.split(" ")[0] for name in self._known.values())
            self._known[key] = f"{base} ({others + 1})" if others else base
        return self._known[key]

    def _counted(self, step: int, name: str) -> str:
        call = self._calls[step, name]
        self._calls[step, name] += 1
        return f"{name}, call {call}" if call else name
