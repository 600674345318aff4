"""Hold a rebuilt emoji array against the one that the zoo's models were trained on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import load_images

HERE = Path(__file__).parent
FIELDS = ("labels", "coarse", "group", "split", "zwj")


def compare(built: Path, reference: Path, style: str) -> None:
    """Print how close `built` comes to `reference`: the pictures of `style`, and what each model trains on.

    In both, one style has at most one picture of an identity, in the order of the identities.

    Args:
        built: array that holds `style`.
        reference: array that holds `style` among others.
        style: drawing style that is compared.
    """
    _compare_style(dict(np.load(built)), dict(np.load(reference)), style)
    for config in sorted((HERE / "configs").glob("*.toml")):
        selection = tomllib.loads(config.read_text())["data"]
        if selection["array"] == reference.name and selection["style"] == style:
            _compare_selection(config.stem, selection, built.parent, reference.parent)


def _compare_style(new: dict[str, Any], old: dict[str, Any], style: str) -> None:
    rows = np.flatnonzero(old["style"] == list(old["styles"]).index(style))
    place = {new["emoji_codes"][identity]: row for row, identity in enumerate(new["emoji"])}
    codes = old["emoji_codes"][old["emoji"][rows]]
    theirs = [row for row, code in zip(rows, codes, strict=True) if code in place]
    mine = [place[code] for code in codes if code in place]
    print(f"{style}: {len(mine)} of {len(rows)} pictures found, {len(place) - len(mine)} more built")
    _print_difference(new["images"][mine], old["images"][theirs])
    for field in FIELDS:
        print(f"  {field}: {np.mean(new[field][mine] == old[field][theirs]):.2%} the same")


def _compare_selection(model: str, selection: dict[str, Any], built: Path, reference: Path) -> None:
    new, old = load_images(built, **selection), load_images(reference, **selection)
    shared = [name for name in old.classes if name in new.classes]
    print(f"{model}: {len(shared)} of {len(old.classes)} identities found, {len(new.classes) - len(shared)} more built")
    mine = [new.classes.index(name) for name in shared]
    theirs = [old.classes.index(name) for name in shared]
    _print_difference(new.images.numpy()[mine], old.images.numpy()[theirs])


def _print_difference(new: NDArray[np.uint8], old: NDArray[np.uint8]) -> None:
    difference = np.abs(new.astype(np.int16) - old)
    print(f"  mean absolute difference {difference.mean():.4f} of 255, greatest {difference.max()}")
