"""Plugin packages that are wrong in every way that we could think of, and one that is right."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

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
    "wrong-type": (f"{HEAD}return ['dito']", "yields 'dito', which is not a tokred.Component"),
    "wrong-kind": (f"{HEAD}return [Component('mehtod', 'x', 'a:b', 's')]", "Component kind 'mehtod' is not known"),
    "old-api": (
        f"{HEAD}return [Component('method', 'old', 'a:b', 's', requires_api=(0, 1))]",
        r"written for plugin interface \(0, 1\), this is \(1, 0\)",
    ),
    "shadowing": (
        f"{HEAD}return [Component('method', 'new', 'a:b', ''), Component('method', 'dito', 'a:b', '')]",
        "method 'dito' is already provided by tokred",
    ),
    "import-time-torch": (
        "import torch\ntorch.manual_seed(7)\ntorch.zeros(1, device='cuda:99')",
        "(AssertionError|RuntimeError|AcceleratorError): ",
    ),
    "wrong-field": (f"{HEAD}return [Component('method', 'x', 'a:b', None)]", "summary=None of a method must be a str"),
}
CLASH = ("hello-again", GOOD, "method 'hello' is already provided by tokred-hello 0.2")
SLOW = ("slow", "import time\ntime.sleep(3.2)\n" + GOOD.replace("hello", "slow"))


def lay_down(folder: Path, name: str, code: str) -> None:
    """Lay down what an installed distribution consists of."""
    module = f"plugin_{name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(code)
    info = folder / f"tokred_{name.replace('-', '_')}-0.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tokred-{name}\nVersion: 0.2\n")
    (info / "entry_points.txt").write_text(f"[tokred]\n{name} = {module}\n")


def wheel(folder: Path, name: str, code: str, module: str = "") -> Path:
    """Build the wheel of a distribution, as a build backend does; pip checks the hashes of its record."""
    distribution, info = f"tokred_{name.replace('-', '_')}", f"tokred_{name.replace('-', '_')}-0.2.dist-info"
    module = module or f"plugin_{name.replace('-', '_')}"
    files = {
        f"{module}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tokred-{name}\nVersion: 0.2\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tokred\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[tokred]\n{name} = {module}\n",
    }
    record = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in files.items()]
    path = folder / f"{distribution}-0.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name_in, text in {**files, f"{info}/RECORD": "\n".join([*record, f"{info}/RECORD,,"])}.items():
            archive.writestr(name_in, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
