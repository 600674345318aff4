"""The benchmark: every method and baseline in one run, on the same seeds, with its time, its compute and its quality.

```python
from tokred.bench import compare_runs, line_up, load_subject, parse_references, run_bench, write_results

subject = load_subject("emoji-dit")
lineup = line_up(subject, ["dito", "tomesd:ratio=0.5", "fewer_steps"])
results = run_bench(subject, lineup, subject.settings(seed=0, steps=30, samples=16))
write_results(results, "results.json")
print(compare_runs(results, parse_references(["tomesd"]), subject.metrics[0]))
```
"""

from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred.bench.comparing import compare_runs
    from tokred.bench.comparison import Comparisons
    from tokred.bench.comparison_file import read_comparisons, write_comparisons
    from tokred.bench.contender import Contender, parse_contenders
    from tokred.bench.joining import join_results
    from tokred.bench.journal import Journal
    from tokred.bench.lineup import Lineup, line_up
    from tokred.bench.measures import find_metric
    from tokred.bench.one_call import pipeline_subject, run, vision_subject
    from tokred.bench.reference import Reference, parse_references
    from tokred.bench.result import Results
    from tokred.bench.result_file import read_results, validate, write_results
    from tokred.bench.runner import run_bench
    from tokred.bench.settings import Settings
    from tokred.bench.subject import Subject, load_subject
    from tokred.bench.view import View
    from tokred.metrics import Metric

__all__ = [
    "Comparisons",
    "Contender",
    "Journal",
    "Lineup",
    "Metric",
    "Reference",
    "Results",
    "Settings",
    "Subject",
    "View",
    "compare_runs",
    "find_metric",
    "join_results",
    "line_up",
    "load_subject",
    "parse_contenders",
    "parse_references",
    "pipeline_subject",
    "read_comparisons",
    "read_results",
    "run",
    "run_bench",
    "validate",
    "vision_subject",
    "write_comparisons",
    "write_results",
]

__getattr__, __dir__ = lazily(__name__)
