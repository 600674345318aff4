"""How long a generation takes with each of some methods, and densely.

```
pytest benchmarks/compare_methods.py --method hello --method dito --benchmark-autosave
pytest benchmarks/compare_methods.py --method hello --method dito --benchmark-compare
```

The first command stores what it measured under `.benchmarks`; the second measures again and compares with that.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from tokred import SpecError, UnsupportedModel
from tokred.bench import Contender, Subject, load_subject, parse_contenders
from tokred.metrics.metric import DRAWN
from tokred.registry import components


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Compare what `--method` names, each at its standard runs where it has no parameters; and the dense model."""
    names = metafunc.config.getoption("--method") or [r.component.name for r in components("method")]
    contenders = [None, *parse_contenders(names)]
    metafunc.parametrize("contender", contenders, ids=[c.label if c else "dense" for c in contenders])


@pytest.fixture(scope="module")
def subject(request: pytest.FixtureRequest) -> Subject:
    """Load the model."""
    return load_subject(request.config.getoption("--model"))


@pytest.fixture
def steps(request: pytest.FixtureRequest, subject: Subject, contender: Contender | None) -> int:
    """Say how many steps a generation takes."""
    asked = request.config.getoption("--steps") if subject.outputs in DRAWN else 1
    return contender.steps(asked) if contender else asked


def test_generation(benchmark: Any, subject: Subject, contender: Contender | None, steps: int) -> None:
    """Measure one generation of one picture."""
    with ExitStack() as stack:
        if contender is not None:
            try:
                stack.enter_context(contender.applied(subject.model))
            except (SpecError, UnsupportedModel) as error:
                pytest.skip(str(error))
        benchmark.pedantic(subject.generate, ([0], steps), rounds=5, warmup_rounds=1)
