"""What a model's tokens say of each other from step to step, measured on dense generations.

```python
from pathlib import Path

from tokred.analysis import analyze, settings_for, write_report
from tokred.bench import load_subject

subject = load_subject("emoji-dit")
findings = analyze(subject, settings_for(subject, samples=4))
write_report(findings, Path("results/emoji-dit"))
```
"""

from tokred.extras import extra

with extra("bench"):
    from tokred.analysis.analysis_file import read_analysis
    from tokred.analysis.analyze import Findings, analyze
    from tokred.analysis.blocking import blocking
    from tokred.analysis.pairs import PairMeter
    from tokred.analysis.persistence import PersistenceMeter, recovery_error
    from tokred.analysis.report import write_report
    from tokred.analysis.result import Analysis
    from tokred.analysis.settings import AnalysisSettings, settings_for
    from tokred.analysis.watch import Seen, watching

__all__ = [
    "Analysis",
    "AnalysisSettings",
    "Findings",
    "PairMeter",
    "PersistenceMeter",
    "Seen",
    "analyze",
    "blocking",
    "read_analysis",
    "recovery_error",
    "settings_for",
    "watching",
    "write_report",
]
