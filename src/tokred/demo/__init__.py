"""One picture drawn densely and reduced, side by side.

```python
from pathlib import Path

from tokred.bench import load_subject
from tokred.demo import compare, write_demo
from tokred.registry import build_method

subject = load_subject("emoji-dit", prompt="tiger")
dito = build_method("dito", {"ratio": 0.5})
write_demo(compare(subject, dito, steps=30), Path("tiger.png"))
```
"""

from tokred.extras import extra

with extra("bench"):
    from tokred.demo.comparison import Comparison, compare
    from tokred.demo.figure import demo_figure, write_demo

__all__ = ["Comparison", "compare", "demo_figure", "write_demo"]
