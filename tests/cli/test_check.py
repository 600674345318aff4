"""`tokred check` and `tokred new-plugin`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tokred.registry import components
from tokred.testing import CHECKS, cases


def test_every_check_is_a_line(tokred: Callable[..., Any]) -> None:
    result = tokred("check", "cosine", "matcher:random")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert len(lines) == 1 + len(cases(["cosine", "matcher:random"]))
    assert "ok       similarity:cosine deterministic" in lines
    why = "it reads no features, so it cannot tell a broken token"
    assert f"expected matcher:random broken_tokens_attract_none: {why}" in lines
    assert lines[-1] == f"{len(lines) - 1} checks: 0 failed, 1 failed as expected."


def test_a_failure_is_told_and_exits_with_1(tokred: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from tokred.parts import Cosine

    monkeypatch.setattr(Cosine, "scores", lambda self, src, dst: src @ dst.transpose(1, 2))
    result = tokred("check", "cosine")
    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if "scores_are_float32" in line]
    assert line.startswith(
        "FAILED   similarity:cosine scores_are_float32: for torch.float16 features on cpu scores are"
    )


def test_an_expected_failure_that_passes_is_a_failure(
    tokred: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    component = next(r.component for r in components("similarity") if r.component.name == "cosine")
    monkeypatch.setitem(vars(component), "expected_failures", {"deterministic": "a whim"})
    result = tokred("check", "cosine")
    assert result.exit_code == 1
    wanted = "deterministic: it is expected to fail and does not; the reason was: a whim"
    assert f"FAILED   similarity:cosine {wanted}" in result.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cosin", "Unknown component 'cosin'. Known: "),
        ("matcher:cosine", "Unknown matcher 'cosine'. Known: "),
        ("mather:grid", "Unknown kind of component 'mather'."),
    ],
)
def test_unknown_names_are_refused(tokred: Callable[..., Any], name: str, message: str) -> None:
    result = tokred("check", name)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_new_plugin_says_what_comes_next(tokred: Callable[..., Any], tmp_path: Path) -> None:
    result = tokred("new-plugin", "tokred-hello", "--kind", "matcher", "--folder", tmp_path)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert f"Written: {tmp_path / 'tokred-hello' / 'tokred_hello' / 'hello.py'}" in lines
    assert lines[-1] == f"Next: pip install -e {tmp_path / 'tokred-hello'}; tokred check hello"


def test_a_bad_name_is_one_line(tokred: Callable[..., Any], tmp_path: Path) -> None:
    result = tokred("new-plugin", "Hello", "--folder", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'Hello' is not a name for a plugin" in result.stderr


def test_promises_are_sentences() -> None:
    for check in CHECKS:
        assert check.promise.endswith("."), check.name
