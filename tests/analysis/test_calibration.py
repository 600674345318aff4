from pathlib import Path

import pytest

from tokred import OutputError, SpecError
from tokred.analysis.calibration import Calibration, matching_steps, mean_pmr, write_calibration
from tokred.analysis.pairs import Lasting
from tokred.interfaces import Phase, SiteInfo
from tokred.parts import Planned

SITE = SiteInfo("blocks.0", "attn", depth=0, blocks=1)
LETTERS = {Phase.DENSE: "D", Phase.MATCH: "M", Phase.REDUCE: "r"}


def phases(schedule: Planned, steps: int) -> str:
    return "".join(LETTERS[schedule.plan(step, steps, SITE, ()).phase] for step in range(steps))


def test_matches_lie_at_their_share_of_any_number_of_steps() -> None:
    schedule = Planned(0.5, (0.2, 0.5, 0.6))
    assert phases(schedule, 10) == "DDMrrMMrrr"
    assert phases(schedule, 5) == "DMMMr"
    assert phases(schedule, 3) == "MMr"


def test_shares_of_a_calibrated_number_of_steps_are_those_steps() -> None:
    for steps in range(1, 120):
        shares = tuple(step / steps for step in range(steps))
        assert phases(Planned(0.5, shares), steps) == "M" * steps


@pytest.mark.parametrize("matches", [(), (0.5, 0.2), (0.2, 0.2), (-0.1,), (1.0,), (0.1, float("nan"))])
def test_shares_are_checked(matches: tuple[float, ...]) -> None:
    with pytest.raises(SpecError, match=r"matches=.* must be at least one share of the generation in \[0, 1\)"):
        Planned(0.5, matches)


def test_longest_lasting_interval_is_chosen_at_each_match() -> None:
    lasting = {3: 5, 8: 2, 10: 3, 13: 1}
    pmr = {(m + lag, lag): 0.6 if lag <= last else 0.4 for m, last in lasting.items() for lag in range(1, 9)}
    assert matching_steps(pmr, 15, 0.5, dense_first=4, longest=8) == [3, 8, 10, 13]
    assert matching_steps(pmr, 15, 0.5, dense_first=4, longest=3) == [3, 6, 8, 10, 13]
    assert matching_steps(pmr, 8, 0.9, dense_first=1, longest=8) == [0, 2, 4, 6]


def test_ratio_is_the_mean_over_sites_and_generations() -> None:
    found = [Lasting(site, 4, 2, pmr) for site, pmr in (("a", 0.2), ("b", 0.8), ("a", 0.5))]
    assert mean_pmr(found) == {(4, 2): pytest.approx(0.5)}


CALIBRATION = Calibration("emoji-dit", 8, 2, 0.5, 0.6, (0.25, 0.5))


def test_file_gives_the_schedule_back(tmp_path: Path) -> None:
    write_calibration(CALIBRATION, tmp_path / "schedule.json")
    assert Planned.read(tmp_path / "schedule.json", 0.75) == Planned(0.75, (0.25, 0.5))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot be read: .*No such file.*`tokred calibrate` writes one"),
        ("{", r"cannot be read: "),
        ("[]", r"cannot be read: TypeError"),
        ('{"steps": 4}', r"cannot be read: KeyError: 'matches'"),
        ('{"matches": ["late"]}', r"cannot be read: ValueError: could not convert"),
        ('{"matches": [1.5]}', r"matches=\(1\.5,\) must be at least one share"),
    ],
)
def test_broken_file_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "schedule.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SpecError, match=message):
        Planned.read(path, 0.5)


def test_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_calibration(CALIBRATION, tmp_path / "nowhere" / "schedule.json")
