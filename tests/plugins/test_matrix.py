"""The pages of methods and families say what running them gives."""

from __future__ import annotations

import pytest
from engine.samplers import PAGE as SAMPLERS
from engine.samplers import page as samplers_page
from plugins.matrix import ALL_FAMILIES, PAGE, families_page, page


def test_the_matrix_page_is_what_running_every_pair_gives() -> None:
    assert PAGE.read_text() == page(), "run `python tests/plugins/matrix.py`"


@pytest.mark.slow
def test_the_page_of_families_is_what_running_every_pair_gives() -> None:
    assert ALL_FAMILIES.read_text() == families_page(), "run `python tests/plugins/matrix.py`"


def test_the_page_of_samplers_is_what_running_each_gives() -> None:
    assert SAMPLERS.read_text() == samplers_page(), "run `python tests/engine/samplers.py`"
