"""Edits of pictures, named by words: what `emoji-edit` learns, made on the fly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch.nn import functional

from data import LabelledImages

Edit = Callable[[torch.Tensor], torch.Tensor]
"""From a picture `[3, H, W]` in [0, 1] to the edited one."""

COLOURS = {
    "red": (0.90, 0.16, 0.22),
    "orange": (0.97, 0.55, 0.10),
    "yellow": (0.98, 0.83, 0.18),
    "green": (0.20, 0.66, 0.28),
    "blue": (0.16, 0.42, 0.88),
    "purple": (0.55, 0.27, 0.78),
}
LUMINANCE = (0.299, 0.587, 0.114)
WHITE = 0.97
"""Least value of a colour that counts as white."""
PASTED = 0.42
"""Side of a pasted picture, as a share of the picture that it goes into."""


def leave(picture: torch.Tensor) -> torch.Tensor:
    """Return the picture as it is."""
    return picture


def grey(picture: torch.Tensor) -> torch.Tensor:
    """Take the colours out."""
    return (picture * picture.new_tensor(LUMINANCE).view(3, 1, 1)).sum(0).expand_as(picture)


def tint(picture: torch.Tensor, colour: str) -> torch.Tensor:
    """Run all shades from black over `colour` to white."""
    shade, middle = grey(picture), picture.new_tensor(COLOURS[colour]).view(3, 1, 1)
    return torch.where(shade < 0.5, 2 * shade * middle, torch.lerp(middle, torch.ones_like(middle), 2 * shade - 1))


def mirror(picture: torch.Tensor) -> torch.Tensor:
    """Swap left and right."""
    return picture.flip(-1)


def turn(picture: torch.Tensor) -> torch.Tensor:
    """Turn by half a turn."""
    return picture.flip(-2, -1)


def shrink(picture: torch.Tensor) -> torch.Tensor:
    """Halve the size, in the middle of white."""
    rows, columns = picture.shape[-2] // 4, picture.shape[-1] // 4
    small = functional.interpolate(picture[None], scale_factor=0.5, mode="area")[0]
    return functional.pad(small, (columns, columns, rows, rows), value=1.0)


def background(picture: torch.Tensor) -> torch.Tensor:
    """Find the white that is connected to the border, `[H, W]`, bool."""
    white = picture.amin(0, keepdim=True) > WHITE
    border = torch.ones_like(white)
    border[:, 1:-1, 1:-1] = False
    found, grown = torch.zeros_like(white), white & border
    while not torch.equal(found, grown):
        found = grown
        grown = (functional.max_pool2d(found.float(), 3, 1, 1) > 0) & white
    return found[0]


def backdrop(picture: torch.Tensor, colour: str) -> torch.Tensor:
    """Colour the background, and the rim where it blends into the object."""
    rim = functional.max_pool2d(background(picture)[None].float(), 3, 1, 1)
    share = rim * picture.amin(0).square()
    return picture - share * (1 - picture.new_tensor(COLOURS[colour]).view(3, 1, 1))


def box(picture: torch.Tensor) -> tuple[int, int, int, int]:
    """Return the first and last row and column of what is not background; of the whole picture if all is."""
    inside = ~background(picture)
    inside = inside if inside.any() else ~inside
    rows, columns = (inside.any(dim).nonzero() for dim in (1, 0))
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def paste(picture: torch.Tensor, small: torch.Tensor, row: int, column: int) -> torch.Tensor:
    """Put `small`, its background left out, its corner at `row` and `column`, moved inside if need be."""
    (height, width), (rows, columns) = small.shape[-2:], picture.shape[-2:]
    row, column = min(max(row, 0), rows - height), min(max(column, 0), columns - width)
    edited, place = picture.clone(), (..., slice(row, row + height), slice(column, column + width))
    edited[place] = torch.where(background(small), edited[place], small)
    return edited


def wear(picture: torch.Tensor, hat: torch.Tensor) -> torch.Tensor:
    """Put `hat` on top of the object."""
    top, _, left, right = box(picture)
    height, width = hat.shape[-2:]
    return paste(picture, hat, top - 2 * height // 3, (left + right + 1 - width) // 2)


def beside(picture: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Put `other` into the lower right corner."""
    return paste(picture, other, picture.shape[-2], picture.shape[-1])


class Edits:
    """The edits and their prompts.

    Attributes:
        kinds: of each kind of edit, what it does by prompt.
    """

    def __init__(self, data: LabelledImages, hats: Sequence[str], companions: Sequence[str]) -> None:
        """Take the pictures called `hats` and `companions` from `data` for pasting."""
        small = {name: _small(data, name) for name in (*hats, *companions)}
        self.kinds: dict[str, dict[str, Edit]] = {
            "leave": {"leave it as it is": leave},
            "grey": {"make it grey": grey},
            "tint": {f"make it {colour}": partial(tint, colour=colour) for colour in COLOURS},
            "mirror": {"mirror it": mirror},
            "turn": {"turn it upside down": turn},
            "shrink": {"make it small": shrink},
            "backdrop": {f"put it on {colour}": partial(backdrop, colour=colour) for colour in COLOURS},
            "wear": {f"put a {name} on it": partial(wear, hat=small[name]) for name in hats},
            "beside": {
                f"put {_article(name)} {name} beside it": partial(beside, other=small[name]) for name in companions
            },
        }

    @property
    def prompts(self) -> list[str]:
        """All prompts, in order of kind."""
        return [prompt for kind in self.kinds.values() for prompt in kind]

    def kind(self, prompt: str) -> str:
        """Return the kind that `prompt` is of."""
        return next(name for name, prompts in self.kinds.items() if prompt in prompts)

    def sample(self, count: int, weights: dict[str, float]) -> list[str]:
        """Draw prompts: a kind by its weight, 1 where none is given, then any of its prompts."""
        chances = torch.tensor([weights.get(kind, 1.0) for kind in self.kinds])
        kinds = list(self.kinds.values())
        chosen = [list(kinds[i]) for i in torch.multinomial(chances, count, replacement=True).tolist()]
        return [prompts[int(torch.randint(len(prompts), ()))] for prompts in chosen]

    def apply(self, pictures: torch.Tensor, prompts: Sequence[str]) -> torch.Tensor:
        """Edit pictures `[B, 3, H, W]` in [-1, 1], each as its prompt says."""
        edits = {prompt: edit for kind in self.kinds.values() for prompt, edit in kind.items()}
        shown = pictures / 2 + 0.5
        edited = torch.stack([edits[prompt](picture) for prompt, picture in zip(prompts, shown, strict=True)])
        return edited * 2 - 1


def _article(name: str) -> str:
    return "an" if name[0] in "aeiou" else "a"


def _small(data: LabelledImages, name: str) -> torch.Tensor:
    """Return the picture called `name`, `[3, h, w]` in [0, 1], cut to its object and made as small as it is pasted."""
    picture = data.images[data.classes.index(name)] / 255
    top, bottom, left, right = box(picture)
    cut = picture[:, top : bottom + 1, left : right + 1]
    scale = PASTED * picture.shape[-1] / max(cut.shape[-2:])
    size = tuple(round(scale * side) for side in cut.shape[-2:])
    return functional.interpolate(cut[None], size=size, mode="area")[0]
