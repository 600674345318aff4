import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import build_arrays
from compare_arrays import HERE, compare
from data import load_images

CONFIGS = [tomllib.loads(path.read_text()) for path in (HERE / "configs").glob("*.toml")]
SELECTION: dict[str, Any] = {
    "array": "emoji64.npz",
    "style": "fluent-3d",
    "labels": ["animal-mammal", "animal-marine", "food-fruit", "food-sweet"],
    "mirror": True,
}
EVERY_LABEL = sorted({label for config in CONFIGS for label in config["data"].get("labels", [])})
GROUPS = {
    "groups": {"0": "animals-nature", "1": "component", "2": "food-drink", "3": "flags"},
    "hierarchy": {"0": [0], "1": [1], "2": [2], "3": [3]},
    "subgroups": {"0": "animal-mammal", "1": "skin-tone", "2": "food-fruit", "3": "flag"},
}
ROWS = [  # code, name, group, order; out of order on purpose
    ("1F34E", "red apple", 2, 9),
    ("1F43B-200D-2744-FE0F", "polar bear", 0, 3),
    ("1F43B", "bear", 0, 2),
    ("1F9AC", "bison", 0, 1),
    ("1F3FB", "light skin tone", 1, 4),
    ("1F34F", "green apple", 2, 10),
    ("1F3C1", "chequered flag", 3, 11),
]


def paint(path: Path, colour: tuple[int, int, int, int], size: tuple[int, int] = (16, 16)) -> None:
    Image.new("RGBA", size, colour).save(path, lossless=True)


@pytest.fixture
def built(tmp_path: Path) -> dict[str, Any]:
    names, assets = tmp_path / "names", tmp_path / "pictures" / "assets"
    for folder in (names / "meta", names / "en", assets):
        folder.mkdir(parents=True)
    (names / "meta" / "groups.json").write_text(json.dumps(GROUPS))
    rows = [{"hexcode": h, "label": n, "group": g, "subgroup": g, "order": o} for h, n, g, o in ROWS]
    (names / "en" / "data.json").write_text(json.dumps([{"hexcode": "1F1E6", "label": "letter"}, *rows]))
    paint(assets / "1f9ac.webp", (10, 20, 30, 255))
    paint(assets / "1f43b.webp", (200, 0, 0, 128))
    paint(assets / "1f43b-200d-2744-fe0f.webp", (0, 90, 0, 255), size=(8, 16))
    paint(assets / "1f34e.webp", (10, 20, 30, 255))  # the same picture as the bison's
    paint(assets / "1f34f.webp", (0, 200, 0, 255))
    paint(assets / "1f3c1.webp", (1, 1, 1, 255))
    paint(assets / "1f43b-1f3fb.webp", (9, 9, 9, 255))  # a skin tone: no identity of its own
    return build_arrays.build(tmp_path / "pictures", names)


def chosen(arrays: dict[str, Any]) -> list[str]:
    return [str(arrays["emoji_names"][i]) for i in arrays["emoji"]]


def test_order_duplicates_flags_and_components(built: dict[str, Any]) -> None:
    assert built["emoji_names"].tolist()[:3] == ["bison", "bear", "polar bear"]
    assert chosen(built) == ["bison", "bear", "polar bear", "green apple"]
    assert built["label_names"].tolist() == ["animal-mammal", "food-fruit", "flag"]
    assert built["labels"].tolist() == [0, 0, 0, 1]
    assert built["group"].tolist() == [0, 0, 0, 1]
    assert [str(built["coarse_names"][i]) for i in built["coarse"]] == ["mammal"] * 3 + ["fruit-vegetable"]
    assert built["zwj"].tolist() == [False, False, True, False]


def test_pictures_are_composited_on_white_and_squared(built: dict[str, Any]) -> None:
    images = built["images"]
    assert (images.shape, images.dtype) == ((4, 64, 64, 3), np.uint8)
    assert (images[0] == (10, 20, 30)).all()
    assert np.abs(images[1].astype(int) - (227, 127, 127)).max() <= 1
    assert (images[2][:, [0, 63]] == 255).all()
    assert (images[2][:, 32] == (0, 90, 0)).all()


@pytest.mark.parametrize(("code", "expected"), [("1f9ac", 1), ("1f420", 1), ("1f370", 1), ("1f43b", 0), ("1f98a", 0)])
def test_split_is_that_of_the_published_array(code: str, expected: int) -> None:
    """Bison, tropical fish and shortcake are held out; bear and fox are not."""
    assert build_arrays.held_out(code) == expected


def test_training_reads_what_is_built(built: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "emoji64.npz", **built)
    selected = load_images(tmp_path, **dict(SELECTION, labels=["animal-mammal", "food-fruit"]))
    assert selected.classes == ["bear", "green apple"]
    assert (selected.images[:, :, 5, 5] == selected.images.new_tensor(built["images"][[1, 3], 5, 5])).all()
    images, labels = selected.batch(16, "cpu")
    assert images.shape == (16, 3, 64, 64)
    assert images.abs().max() <= 1
    for image, label in zip(images, labels, strict=True):
        assert image.mean() == pytest.approx(built["images"][[1, 3]][label].mean() / 127.5 - 1, abs=1e-5)


def test_comparison_counts_what_is_missing_and_what_differs(
    built: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = {key: value.copy() for key, value in built.items()}
    reference["images"][1, 0, 0, 0] -= 64
    keep = np.array([0, 1, 3])  # without the bear with snow
    for key in ("images", "labels", "coarse", "group", "emoji", "style", "split", "zwj"):
        reference[key] = reference[key][keep]
    for arrays, folder in ((built, tmp_path / "new"), (reference, tmp_path / "old")):
        folder.mkdir()
        others = [name for name in EVERY_LABEL if name not in arrays["label_names"]]
        padded = dict(arrays, label_names=np.array([*arrays["label_names"], *others]))
        np.savez(folder / "emoji64.npz", **padded)
    compare(tmp_path / "new" / "emoji64.npz", tmp_path / "old" / "emoji64.npz", "fluent-3d")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "fluent-3d: 3 of 3 pictures found, 1 more built"
    assert lines[1] == f"  mean absolute difference {64 / (3 * 64 * 64 * 3):.4f} of 255, greatest 64"
    assert "emoji-dit: 2 of 2 identities found, 0 more built" in lines
