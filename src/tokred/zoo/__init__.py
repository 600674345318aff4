"""The trained models that come with tokred: small, real, and loaded in one line without a network.

```python
import tokred.zoo

pipe = tokred.zoo.load_model("emoji-dit")
```
"""

from typing import TYPE_CHECKING

from tokred._lazy import lazily

if TYPE_CHECKING:
    from tokred.zoo.catalog import ZooModel, zoo_models
    from tokred.zoo.load import load_model, read_tensors


__all__ = ["ZooModel", "load_model", "read_tensors", "zoo_models"]

__getattr__, __dir__ = lazily(__name__)
