"""Plugins of other distributions: found, refused and survived. The hostile ones are installed for real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tokred import Component, SpecError
from tokred.registry.registry import Registry

GOOD = """
from tokred import Component, hookimpl
@hookimpl
def tokred_components():
    yield Component("method", "hello", "plugin_hello:hello", "a method of somebody else's")
def hello(*, ratio: float = 0.5):
    from tokred.registry import build_method
    import dataclasses
    return dataclasses.replace(build_method("tomesd", {"ratio": ratio}), name="hello")
"""
HEAD = "from tokred import Component, hookimpl\n@hookimpl\ndef tokred_components(): "
HOSTILE = {
    "import-error": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax-error": ("def (", "SyntaxError"),
    "system-exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "raising-hook": (f"{HEAD}raise ValueError('boom')", "ValueError: boom"),
    "hook-arguments": (HEAD.replace("()", "(config)") + "return []", "PluginValidationError"),
    "misspelt-hook": (HEAD.replace("components", "component") + "return []", "unknown hook 'tokred_component'"),
    "no-hook": ("x = 1", "implements no tokred_components hook, or yields nothing"),
    "wrong-type": (f"{HEAD}return ['dito']", "yields 'dito', which is no tokred.Component"),
    "wrong-kind": (f"{HEAD}return [Component('mehtod', 'x', 'a:b', 's')]", "Component kind 'mehtod' is not known"),
    "old-api": (
        f"{HEAD}return [Component('method', 'old', 'a:b', 's', requires_api=(0, 1))]",
        r"written for plugin interface \(0, 1\), this is \(1, 0\)",
    ),
    "shadowing": (
        f"{HEAD}return [Component('method', 'new', 'a:b', ''), Component('method', 'dito', 'a:b', '')]",
        "method 'dito' is already provided by tokred",
    ),
}


def install(folder: Path, name: str, code: str) -> None:
    """Lay down what an installed distribution consists of."""
    module = f"plugin_{name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(code)
    info = folder / f"tokred_{name.replace('-', '_')}-0.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tokred-{name}\nVersion: 0.2\n")
    (info / "entry_points.txt").write_text(f"[tokred]\n{name} = {module}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("plugin_")]:
        del sys.modules[name]


def test_a_good_plugin_is_found_with_its_provider(site: Path) -> None:
    install(site, "hello", GOOD)
    registry = Registry()
    assert str(registry.find("method", "hello").provider) == "tokred-hello 0.2"
    assert registry.find("method", "hello").component.load()(ratio=0.25).scheduler.ratio == 0.25
    assert registry.problems == []


@pytest.mark.parametrize(("name", "code", "why"), [(k, *v) for k, v in HOSTILE.items()], ids=HOSTILE)
def test_a_broken_plugin_costs_one_warning(site: Path, name: str, code: str, why: str) -> None:
    install(site, name, code)
    install(site, "hello", GOOD)
    registry = Registry()
    with pytest.warns(UserWarning, match=f"plugin tokred-{name} 0.2 failed to load and is left out .*{why}") as caught:
        names = [registered.component.name for registered in registry.all("method")]
    assert len(caught) == 1
    assert names == ["dito", "tomesd", "random", "hello"]
    assert registry.find("method", "dito").provider.distribution == "tokred"
    with pytest.raises(SpecError, match=f"1 plugin failed to load: tokred-{name} 0.2"):
        registry.find("method", "nope")


def test_two_plugins_with_one_name(site: Path) -> None:
    install(site, "hello", GOOD)
    install(site, "hello-again", GOOD)
    with pytest.warns(UserWarning, match="method 'hello' is already provided by tokred-hello"):
        assert len(list(Registry().all("method"))) == 4


@pytest.mark.parametrize("value", ["all", "import-error", "tokred-import-error"])
def test_plugins_can_be_left_out(site: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    install(site, "import-error", HOSTILE["import-error"][0])
    monkeypatch.setenv("TOKRED_DISABLE_PLUGINS", value)
    assert len(list(Registry().all("method"))) == 3


def test_strict_mode_raises(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "import-error", HOSTILE["import-error"][0])
    monkeypatch.setenv("TOKRED_STRICT_PLUGINS", "1")
    with pytest.raises(Exception, match="Plugin tokred-import-error 0.2 failed to load"):
        Registry().load_others()


def test_a_built_in_name_imports_nothing_of_others(site: Path) -> None:
    install(site, "hello", GOOD)
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
