from collections import Counter

import pytest

from tokred.zoo.spread import asked


@pytest.mark.parametrize("count", [1, 2, 5, 10, 32, 104, 113])
@pytest.mark.parametrize("start", [0, 7, -3])
def test_as_many_seeds_as_classes_show_each_once(count: int, start: int) -> None:
    classes = [str(i) for i in range(count)]
    assert sorted(asked(classes, range(start, start + count))) == sorted(classes)


@pytest.mark.parametrize("count", [104, 113, 1000])
@pytest.mark.parametrize("seeds", [8, 16, 32])
def test_few_seeds_in_a_row_reach_every_quarter(count: int, seeds: int) -> None:
    shown = asked([str(4 * i // count) for i in range(count)], range(seeds))
    quarters = Counter(shown)
    assert all(abs(quarters[str(q)] - seeds / 4) <= 2 for q in range(4)), quarters


def test_known_places() -> None:
    assert asked("abcde", [0, 1, 2, 13]) == ["a", "d", "b", "e"]  # 3 is nearest to 0.618 * 5
    assert asked("abcdefghij", [1, 2]) == ["h", "e"]  # 7 is: 5 and 6 share a divisor with 10
