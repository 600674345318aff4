"""Rebuild the Fluent 3D pictures of `emoji64.npz`: `python benchmarks/zoo/build_arrays.py --out DIR`.

One npm package has the pictures, by code point; another has the names and subgroups that Unicode gives to them. With
`--compare DIR` the result is held against the array that lies there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare_arrays import compare

HERE = Path(__file__).parent
ARRAY = "emoji64.npz"
PICTURES = "@lobehub/fluent-emoji-3d@1.1.0"
NAMES = "emojibase-data@17.0.0"
STYLE, LICENSE = "fluent-3d", "MIT"
SIZE = 64  # height and width of a picture, in pixels
HELD_OUT_BELOW = 26  # of 256 values of the first byte of the code's MD5: about a tenth of the identities


def fetch(package: str, folder: Path) -> Path:
    """Download an npm package of a pinned version with `npm pack` and return the folder of its files."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), package]
    archive = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(folder / archive) as files:
        files.extractall(folder / Path(archive).stem, filter="data")
    return folder / Path(archive).stem / "package"


def code(hexcode: str) -> str:
    """Write a sequence of code points as the arrays do: lower case, without variation selectors."""
    return "-".join(part for part in hexcode.lower().split("-") if part != "fe0f")


def picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture, composite it on white, pad it to a square and resize it: `[64, 64, 3]`, uint8."""
    drawn = Image.open(path).convert("RGBA")
    side = max(drawn.size)
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(drawn, ((side - drawn.width) // 2, (side - drawn.height) // 2))
    return np.asarray(square.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def held_out(code: str) -> bool:
    """Say whether an identity is kept from training, by a hash of its code."""
    return hashlib.md5(code.encode(), usedforsecurity=False).digest()[0] < HELD_OUT_BELOW


class Identities:
    """What Unicode says of each emoji, in Unicode's order, without the components that emoji are joined from."""

    def __init__(self, package: Path) -> None:
        groups = json.loads((package / "meta" / "groups.json").read_text())
        component = next(key for key, name in groups["groups"].items() if name == "component")
        components = set(groups["hierarchy"][component])
        self.group_names = [name for key, name in groups["groups"].items() if key != component]
        self.label_names = [name for key, name in groups["subgroups"].items() if int(key) not in components]
        listed = [row for row in json.loads((package / "en" / "data.json").read_text()) if "subgroup" in row]
        self.rows = sorted((row for row in listed if row["subgroup"] not in components), key=lambda row: row["order"])
        self.codes = [code(row["hexcode"]) for row in self.rows]
        self.names = [row["label"] for row in self.rows]
        self.groups = [self.group_names.index(groups["groups"][str(row["group"])]) for row in self.rows]
        self.labels = [self.label_names.index(groups["subgroups"][str(row["subgroup"])]) for row in self.rows]


def choose(identities: Identities, package: Path) -> tuple[list[int], list[NDArray[np.uint8]]]:
    """Pick each identity that has a picture no earlier one has; flags are left out, most are not Microsoft's."""
    paths: dict[str, Path] = {}
    for path in sorted((package / "assets").iterdir()):
        paths.setdefault(code(path.stem), path)
    flags = identities.group_names.index("flags")
    chosen: dict[bytes, tuple[int, NDArray[np.uint8]]] = {}
    for index, (key, group) in enumerate(zip(identities.codes, identities.groups, strict=True)):
        if key in paths and group != flags:
            image = picture(paths[key])
            chosen.setdefault(image.tobytes(), (index, image))
    return [index for index, _ in chosen.values()], [image for _, image in chosen.values()]


def build(pictures: Path, names: Path) -> dict[str, Any]:
    """Build the arrays, with the keys of `emoji64.npz`, from the unpacked packages."""
    identities = Identities(names)
    coarse = tomllib.loads((HERE / "coarse.toml").read_text())
    coarse_of = {subgroup: i for i, subgroups in enumerate(coarse.values()) for subgroup in subgroups}
    emoji, images = choose(identities, pictures)
    labels = [identities.labels[i] for i in emoji]
    return {
        "images": np.stack(images),
        "labels": np.array(labels),
        "label_names": np.array(identities.label_names),
        "coarse": np.array([coarse_of.get(identities.label_names[label], -1) for label in labels]),
        "coarse_names": np.array(list(coarse)),
        "group": np.array([identities.groups[i] for i in emoji]),
        "group_names": np.array(identities.group_names),
        "emoji": np.array(emoji),
        "emoji_names": np.array(identities.names),
        "emoji_codes": np.array(identities.codes),
        "style": np.zeros(len(emoji), dtype=np.int64),
        "styles": np.array([STYLE]),
        "style_license": np.array([LICENSE]),
        "split": np.array([held_out(identities.codes[i]) for i in emoji], dtype=np.int8),
        "zwj": np.array(["200d" in identities.codes[i] for i in emoji]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder that the array is written into")
    parser.add_argument("--compare", type=Path, help="folder with an array of that name to hold the result against")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        arrays = build(fetch(PICTURES, Path(folder)), fetch(NAMES, Path(folder)))
    np.savez_compressed(arguments.out / ARRAY, **arrays)
    print(f"{arguments.out / ARRAY}: {len(arrays['images'])} pictures of {PICTURES}, names of {NAMES}")
    if arguments.compare:
        compare(arguments.out / ARRAY, arguments.compare / ARRAY, STYLE)


if __name__ == "__main__":
    main()
