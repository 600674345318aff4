"""How modules are called, written in a line.

    "hidden_states: image, encoder_hidden_states: text -> text, image"

is a call with the image's tokens in one argument and the text's in another, which returns a pair, the text's first. In
`"x: text image -> text image"` both are one sequence `[B, T + N, C]`. Words other than "image" are context: tokens
that are computed with the image's and never removed ("prefix" where they lead a sequence by themselves, such as class
tokens). On the right any other word is a value that is passed on.

    "1 (text image) 1 d"

is a tensor argument of four axes with a row per token along its second. "b" is the batch; with "..." in front there may
be any number of axes before those that are written.

    "b? h? image d"

has two, three or four axes: those with "?" may be missing, and are added where samples keep different tokens.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from functools import cached_property

from tokred.errors import SpecError

IMAGE = "image"
CONTEXT = ("text", "prefix")
KEYS = "keys: "
Order = tuple[str, ...]
"""The parts of a sequence, one after the other, such as ("text", "image")."""


@dataclass(frozen=True)
class Call:
    """How a module is called and what it returns; see `read_call`.

    Attributes:
        tokens: the argument that holds the image's tokens, `[B, L, C]`.
        order: the parts of that argument.
        beside: the argument that holds context apart; empty where there is none.
        returns: the parts of each value that is returned.
        in_place: whether the module writes into the tokens and the context that it is given.
    """

    tokens: str
    order: Order
    beside: str
    returns: tuple[Order, ...]
    in_place: bool = False

    @property
    def place(self) -> int | None:
        """Where among the returned values the image's tokens are; None where one tensor is returned."""
        places = [index for index, parts in enumerate(self.returns) if IMAGE in parts]
        return places[0] if len(self.returns) > 1 else None

    @cached_property
    def context(self) -> Order:
        """The kinds of context that the module computes with the image."""
        return tuple(part for part in self.order if part != IMAGE) + (("text",) if self.beside else ())


@dataclass(frozen=True)
class Rows:
    """A tensor argument with a row per token; see `read_rows`.

    Attributes:
        argument: its name; it may be absent or None in a call.
        item: which one, where the argument is a tuple and only one of it has such rows; None for all.
        axes: the axes that run over tokens, each with the parts along it.
        ndim: number of axes of a tensor that has such rows; one with others has none. None for any number.
        optional: how many of the first of these may be missing.
        batched: whether the first axis is the batch, or of length 1 in its place.
        keys: whether the tokens are those that are attended to, and not those that attend.
    """

    argument: str
    item: int | None
    axes: tuple[tuple[int, Order], ...]
    ndim: int | None
    optional: int
    batched: bool
    keys: bool = False

    def has(self, ndim: int) -> bool:
        """Say whether a tensor of so many axes has such rows."""
        return self.ndim is None or self.ndim - self.optional <= ndim <= self.ndim

    def __str__(self) -> str:
        return self.argument if self.item is None else f"{self.argument}[{self.item}]"


@functools.cache
def read_call(text: str) -> Call:
    """Read a call, such as `"hidden_states: image, encoder_hidden_states: text -> text, image"`.

    Raises:
        SpecError: if it is not of this form.
    """
    left, arrow, right = text.partition("->")
    arguments = [_argument(text, part) for part in left.split(",")]
    returns = tuple(tuple(value.split()) for value in right.split(","))
    images = [(name, order) for name, order in arguments if IMAGE in order]
    beside = [name for name, order in arguments if IMAGE not in order]
    if not arrow or len(images) != 1 or len(beside) > 1 or sum(IMAGE in parts for parts in returns) != 1:
        raise _misread(text)
    return Call(*images[0], beside[0] if beside else "", returns)


@functools.cache
def read_rows(argument: str, text: str) -> tuple[Rows, ...]:
    """Read the axes of an argument, such as `"(text image) d"`; `"name.0"` is the first of a tuple's tensors.

    Where block and attention are given it in different forms, both are written, such as
    `"b (text image) | b 1 (text image) (text image)"`. With "keys: " in front the rows are of the keys alone, as those
    of a mask `[B, 1, 1, L]`.

    Raises:
        SpecError: if it names no axis of tokens, or is not of this form.
    """
    return tuple(_rows(argument, form.strip()) for form in text.split("|"))


def _rows(argument: str, text: str) -> Rows:
    words = _axes(text.removeprefix(KEYS))
    from_last = words[:1] == [("...",)]
    words = words[1:] if from_last else words
    optional = sum(word[0].endswith("?") for word in words)
    first = -len(words) if from_last or optional else 0
    axes = tuple((first + i, word) for i, word in enumerate(words) if IMAGE in word)
    if not axes:
        raise SpecError(f"{argument}: {text!r} names no axis of image tokens. Write '(text image) d' or 'image d'.")
    name, _, item = argument.partition(".")
    ndim, batched = (None, True) if from_last else (len(words), words[0] in (("b",), ("1",), ("b?",)))
    return Rows(name, int(item) if item else None, axes, ndim, optional, batched, text.startswith(KEYS))


def _argument(text: str, part: str) -> tuple[str, Order]:
    name, colon, parts = part.partition(":")
    order = tuple(parts.split())
    if not colon or not order or not set(order) <= {IMAGE, *CONTEXT}:
        raise _misread(text)
    return name.strip(), order


def _axes(text: str) -> list[Order]:
    """Split "b (text image) d" into [("b",), ("text", "image"), ("d",)]."""
    spread = text.replace("(", " ( ").replace(")", " ) ").split()
    axes: list[Order] = []
    while spread:
        word = spread.pop(0)
        if word == "(" and ")" in spread:
            end = spread.index(")")
            axes.append(tuple(spread[:end]))
            spread = spread[end + 1 :]
        else:
            axes.append((word,))
    return axes


def _misread(text: str) -> SpecError:
    return SpecError(
        f"{text!r} is not how a module is called. Write 'argument: parts -> values', with 'image' among the parts of "
        f"one argument and of one value and {', '.join(CONTEXT)} for what is computed with it, such as 'hidden_states: "
        "image, encoder_hidden_states: text -> text, image'."
    )
