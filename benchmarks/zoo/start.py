"""Start a model from the weights of a shipped one."""

from __future__ import annotations

import torch

from tokred.zoo.catalog import WEIGHTS, find_model
from tokred.zoo.encoder import PADDING
from tokred.zoo.load import read_tensors
from tokred.zoo.prompted import Prompted
from tokred.zoo.words import vocabulary


@torch.no_grad()
def start_from(model: Prompted, name: str) -> None:
    """Copy into `model` the transformer of the shipped model called `name`, and the words that both know.

    Raises:
        RuntimeError: the transformers differ.
    """
    shipped = find_model(name)
    weights = {key: tensor.float() for key, tensor in read_tensors(shipped, WEIGHTS).items()}
    prefix = "transformer."
    network = {key.removeprefix(prefix): tensor for key, tensor in weights.items() if key.startswith(prefix)}
    model.transformer.load_state_dict(network)
    model.text.position.copy_(weights["text.position"])
    known = {"": PADDING} | {word: row for row, word in enumerate(vocabulary(shipped.classes), start=PADDING + 1)}
    for word, row in ({"": PADDING} | model.text.index).items():
        for table in ("word", "pooled"):
            if word in known:
                getattr(model.text, table).weight[row] = weights[f"text.{table}.weight"][known[word]]
