"""Plugins of other distributions: found, refused and survived."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.tiny import TinySubject
from families.models import BY_NAME
from registry.hostile import CLASH, GOOD, HEAD, HOSTILE, SLOW, lay_down
from torch import nn

from tokred import Component, PluginError, SpecError, UnsupportedModel
from tokred.bench import line_up, lineup
from tokred.registry import build_method, default_registry, family_for
from tokred.registry.registry import Registry

OWN = [registered.component.name for registered in Registry().all("method")]


@pytest.fixture
def fresh() -> Iterator[None]:
    """Give the process a registry that has seen no plugin yet, and take it away again."""
    default_registry.cache_clear()
    yield
    default_registry.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("plugin_")]:
        del sys.modules[name]


def test_a_good_plugin_is_found_with_its_provider(site: Path) -> None:
    lay_down(site, "hello", GOOD)
    registry = Registry()
    assert str(registry.find("method", "hello").provider) == "tokred-hello 0.2"
    assert registry.find("method", "hello").component.load()(ratio=0.25).scheduler.ratio == 0.25
    assert registry.problems == []


@pytest.mark.parametrize(("name", "code", "why"), [(k, *v) for k, v in HOSTILE.items()], ids=HOSTILE)
def test_a_broken_plugin_costs_one_warning(site: Path, name: str, code: str, why: str) -> None:
    lay_down(site, name, code)
    lay_down(site, "hello", GOOD)
    registry = Registry()
    with pytest.warns(UserWarning, match=f"plugin tokred-{name} 0.2 failed to load and is left out .*{why}") as caught:
        names = [registered.component.name for registered in registry.all("method")]
    assert len(caught) == 1
    assert names == [*OWN, "hello"]
    assert registry.find("method", "dito").provider.distribution == "tokred"
    with pytest.raises(SpecError, match=f"1 plugin failed to load: tokred-{name} 0.2"):
        registry.find("method", "nope")


def test_two_plugins_with_one_name(site: Path) -> None:
    lay_down(site, "hello", GOOD)
    lay_down(site, *CLASH[:2])
    with pytest.warns(UserWarning, match=f"plugin tokred-hello-again 0.2 failed to load .*{CLASH[2]}") as caught:
        assert len(list(Registry().all("method"))) == len(OWN) + 1
    assert len(caught) == 1


def test_a_slow_plugin_is_named_and_works(site: Path) -> None:
    lay_down(site, *SLOW)
    registry = Registry()
    with pytest.warns(UserWarning, match="plugin tokred-slow 0.2 took 3 s to load. .*=tokred-slow leaves it") as caught:
        assert registry.find("method", "slow").provider.distribution == "tokred-slow"
    assert len(caught) == 1
    assert registry.problems == []


def test_an_interrupt_is_not_a_broken_plugin(site: Path) -> None:
    lay_down(site, "interrupted", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        Registry().load_others()


def test_targets_are_not_imported_to_list_them(site: Path) -> None:
    lay_down(site, "light", f"{HEAD}return [Component('method', 'light', 'plugin_heavy:heavy', 'heavy')]")
    (site / "plugin_heavy.py").write_text("raise SystemExit('imported')")
    registry = Registry()
    assert "light" in [registered.component.name for registered in registry.all("method")]
    assert "plugin_heavy" not in sys.modules
    with pytest.raises(PluginError, match="method 'light' of tokred-light 0.2 cannot be loaded .SystemExit: imported"):
        registry.find("method", "light").load()


BAD_TARGETS = {
    "a module that is not there": ("no_such_module:x", "ModuleNotFoundError: No module named 'no_such_module'"),
    "an attribute that is not there": ("plugin_bad:x", "AttributeError: module 'plugin_bad' has no attribute 'x'"),
}


@pytest.mark.parametrize(("target", "why"), BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_a_target_that_cannot_be_imported(
    site: Path, fresh: None, monkeypatch: pytest.MonkeyPatch, target: str, why: str
) -> None:
    """The method is refused with its provider; a benchmark of everything leaves it out and says why."""
    lay_down(site, "bad", f"{HEAD}return [Component('method', 'bad', {target!r}, 'bad')]")
    wanted = f"method 'bad' of tokred-bad 0.2 cannot be loaded .{why}.*Update or uninstall tokred-bad"
    with pytest.raises(PluginError, match=wanted):
        build_method("bad", {})
    monkeypatch.setattr(lineup, "contender_names", lambda: ["bad", "tomesd"])
    lined_up = line_up(TinySubject())
    assert {contender.name for contender in lined_up.contenders} == {"tomesd"}
    assert [left.label for left in lined_up.left_out] == ["bad"]
    assert "tokred-bad 0.2" in lined_up.left_out[0].why


def test_a_factory_that_raises_is_a_plugin_error(site: Path, fresh: None) -> None:
    lay_down(site, "bad", f"{HEAD}return [Component('method', 'bad', 'plugin_bad:bad', 'bad')]\ndef bad(): 1 / 0")
    with pytest.raises(PluginError, match="Method 'bad' of tokred-bad 0.2 cannot be made .ZeroDivisionError: division"):
        build_method("bad", {})


BAD_FAMILIES = {
    "not importable": "no_such_module:A",
    "raises when imported": "plugin_bad:Raises",
    "no family": "plugin_bad:Empty",
}
FAMILIES = """
class Empty: pass
def __getattr__(name): raise ValueError(name)
"""


@pytest.mark.parametrize("target", BAD_FAMILIES.values(), ids=BAD_FAMILIES)
def test_a_broken_family_costs_one_warning_and_only_unknown_models(site: Path, fresh: None, target: str) -> None:
    code = f"{HEAD}return [Component('family', 'bad', {target!r}, 'bad')]\n{FAMILIES}"
    lay_down(site, "bad", code)
    assert family_for(BY_NAME["dit"].model(), "a test").name == "dit"
    assert "plugin_bad" not in sys.modules, "other families are asked for only for a model that tokred does not know"
    with pytest.warns(UserWarning, match="plugin tokred-bad 0.2 failed to load and is left out") as caught:
        refuse_a_linear()
    assert len(caught) == 1
    refuse_a_linear()  # and warns no more: the tests make warnings of tokred's errors


def refuse_a_linear() -> None:
    with pytest.raises(UnsupportedModel, match="No family describes torch.nn.modules.linear.Linear, and a test has to"):
        family_for(nn.Linear(1, 1), "a test")


@pytest.mark.parametrize("value", ["all", "import-error", "tokred-import-error"])
def test_plugins_can_be_left_out(site: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    lay_down(site, "import-error", HOSTILE["import-error"][0])
    monkeypatch.setenv("TOKRED_DISABLE_PLUGINS", value)
    assert [registered.component.name for registered in Registry().all("method")] == OWN


def test_strict_mode_raises(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_down(site, "import-error", HOSTILE["import-error"][0])
    monkeypatch.setenv("TOKRED_STRICT_PLUGINS", "1")
    with pytest.raises(Exception, match="Plugin tokred-import-error 0.2 failed to load"):
        Registry().load_others()


def test_a_built_in_name_imports_nothing_of_others(site: Path) -> None:
    lay_down(site, "hello", GOOD)
    Registry().find("method", "dito")
    assert "plugin_hello" not in sys.modules


def test_importing_tokred_imports_neither_diffusers_nor_timm() -> None:
    heavy = ("diffusers", "timm", "matplotlib", "torch._dynamo")
    code = f"import sys, tokred; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("target", ["module", "module:", ":attribute"])
def test_a_target_has_a_module_and_an_attribute(target: str) -> None:
    with pytest.raises(SpecError, match="must be 'package.module:attribute'"):
        Component("method", "x", target, "")
