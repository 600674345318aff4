"""The page of methods and families says what running them gives."""

from __future__ import annotations

from plugins.matrix import PAGE, page


def test_the_matrix_page_is_what_running_every_pair_gives() -> None:
    assert PAGE.read_text() == page(), "run `python tests/plugins/matrix.py`"
