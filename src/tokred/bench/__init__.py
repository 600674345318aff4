"""The benchmark: every method and rival in one run, on the same seeds, with its time, its compute and its quality.

```python
from tokred.bench import line_up, load_subject, run_bench, write_results

subject = load_subject("emoji-dit")
lineup = line_up(subject, ["dito", "tomesd:ratio=0.5", "fewer_steps"])
results = run_bench(subject, lineup, subject.settings(seed=0, steps=30, samples=16))
write_results(results, "results.json")
```
"""

from tokred.bench.contender import Contender, parse_contenders
from tokred.bench.lineup import Lineup, line_up
from tokred.bench.metric import Metric
from tokred.bench.result import Results
from tokred.bench.result_file import read_results, validate, write_results
from tokred.bench.runner import run_bench
from tokred.bench.settings import Settings
from tokred.bench.subject import Subject, load_subject
from tokred.bench.view import View

__all__ = [
    "Contender",
    "Lineup",
    "Metric",
    "Results",
    "Settings",
    "Subject",
    "View",
    "line_up",
    "load_subject",
    "parse_contenders",
    "read_results",
    "run_bench",
    "validate",
    "write_results",
]
