"""One picture drawn densely and reduced, side by side.

```python
from pathlib import Path

from tokred.demo import compare, write_demo
from tokred.registry import build_method
from tokred.zoo.catalog import find_model
from tokred.zoo.load import load

model = find_model("emoji-dit")
dito = build_method("dito", {"ratio": 0.5})
write_demo(compare(model, load(model), "tiger", dito, steps=model.steps), Path("tiger.png"))
```
"""

from tokred.extras import extra

with extra("bench"):
    from tokred.demo.comparison import Comparison, compare
    from tokred.demo.figure import demo_figure, write_demo

__all__ = ["Comparison", "compare", "demo_figure", "write_demo"]
