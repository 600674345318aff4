"""Train the predictors of `dynamicvit` for a classifier of the zoo, whose own weights stay as they are.

```console
$ python benchmarks/zoo/train_scorer.py fashion-vit --data DIR --out DIR
```

In training nothing is removed: whether a token stays is drawn (Gumbel-softmax, straight through), and one that does not
is hidden from attention, so that gradients reach the predictors. A run goes on from its checkpoint; at its end it
writes the predictors beside the model's own weights, for `weights="fashion-vit"`, and what is known of the run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import time
import tomllib
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn
from torch.nn.functional import cross_entropy, gumbel_softmax, kl_div

from classify import accuracy, shifted
from data import LabelledImages, load_images
from tokred import apply
from tokred.zoo import load_model
from tokred_plugins.dynamicvit import Predictor
from tokred_plugins.scored import SHIPPED

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / "zoo" / "tokred_zoo" / "models"
CHECKPOINT_STEPS = 50
HIDDEN = 1e-6
"""How much a hidden token counts in attention: a little, so that gradients are numbers."""


@dataclass(frozen=True)
class Recipe:
    """How the predictors are trained; the weights of the loss are the paper's.

    Attributes:
        stages: the blocks that tokens are dropped at, as shares of their number.
        ratio: share of the tokens that each is to drop, of those that reach it.
        steps: of the optimiser.
        batch: pictures of a step.
        rate: learning rate of the first half of the steps; it falls to 0 in the second.
        shares: weight of how far the shares that stay are from those wanted.
        classes: weight of how far the scores of the classes are from the dense model's.
        tokens: weight of how far the tokens that stay are from the dense model's.
        seed: of all random draws.
    """

    stages: tuple[float, ...] = (0.25, 0.5, 0.75)
    ratio: float = 0.5
    steps: int = 200
    batch: int = 32
    rate: float = 2e-3
    shares: float = 2.0
    classes: float = 0.5
    tokens: float = 0.5
    seed: int = 0


@dataclass
class Progress:
    """What a run has done so far; travels in the checkpoint."""

    step: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)


class Stage(nn.Module):
    """The predictor of a stage, as a module."""

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow, few = width // 2, width // 4
        self.enter = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        self.leave = nn.Sequential(
            nn.Linear(width, narrow), nn.Identity(), nn.Linear(narrow, few), nn.Identity(), nn.Linear(few, 2)
        )

    def forward(self, tokens: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """See `Predictor.scores`."""
        return Predictor().scores(dict(self.named_parameters()), tokens, present)


class Hiding(nn.Module):
    """A classifier with predictors at its stages, which hide tokens from attention in place of removing them.

    Args:
        model: a timm ViT with a class token.
        stages: see `Recipe`.
    """

    def __init__(self, model: Any, stages: tuple[float, ...]) -> None:
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self.predictors = nn.ModuleList(Stage(model.embed_dim) for _ in stages)
        self.depths = [int(share * len(model.blocks) + 1e-9) for share in stages]

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """Return the scores of the classes `[B, K]`, the last tokens `[B, L, C]`, and who stays at each stage.

        The latter are 1 or 0, `[B, N]`; a token that went stays away.
        """
        model, stays = self.model, list[torch.Tensor]()
        tokens = model.norm_pre(model._pos_embed(model.patch_embed(images)))
        present = tokens.new_ones(tokens.shape[:2])
        for depth, block in enumerate(model.blocks):
            hidden = present.clamp_min(HIDDEN).log()[:, None, None] if stays else None
            tokens = tokens + block.ls1(block.attn(block.norm1(tokens), attn_mask=hidden))
            if depth in self.depths:
                odds = self.predictors[len(stays)](tokens[:, 1:], present[:, 1:])
                drawn = gumbel_softmax(torch.stack([odds, torch.zeros_like(odds)], dim=2), hard=True)[..., 0]
                present = torch.cat([present[:, :1], present[:, 1:] * drawn], dim=1)
                stays.append(present[:, 1:])
            tokens = tokens + block.ls2(block.mlp(block.norm2(tokens)))
        tokens = model.norm(tokens)
        return model.forward_head(tokens), tokens, stays


def loss_of(hiding: Hiding, images: torch.Tensor, labels: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Return the loss of pictures `[B, C, H, W]` with labels `[B]`."""
    classes, tokens, stays = hiding(images)
    with torch.no_grad():
        dense = hiding.model.forward_features(images)
        expected = hiding.model.forward_head(dense).log_softmax(dim=1)
    away = kl_div(classes.log_softmax(dim=1), expected, log_target=True, reduction="batchmean")
    errors = (tokens - dense)[:, 1:].square().mean(dim=2)
    apart = (errors * stays[-1]).sum() / stays[-1].sum().clamp_min(1)
    wanted = [(1 - recipe.ratio) ** (stage + 1) for stage in range(len(stays))]
    missed = (torch.stack([stay.mean() for stay in stays]) - torch.tensor(wanted)).square().mean()
    plain = cross_entropy(classes, labels)
    return plain + recipe.classes * away + recipe.tokens * apart + recipe.shares * missed


def train(hiding: Hiding, data: LabelledImages, shift: int, recipe: Recipe, checkpoint: Path) -> Progress:
    """Train to the end, from the checkpoint where there is one; pictures are moved by up to `shift` pixels."""
    optimiser, progress = torch.optim.AdamW(hiding.predictors.parameters(), lr=recipe.rate), Progress()
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        hiding.predictors.load_state_dict(state["predictors"])
        optimiser.load_state_dict(state["optimiser"])
        progress = Progress(**state["progress"])
    torch.manual_seed(recipe.seed + progress.step)
    while progress.step < recipe.steps:
        start = time.perf_counter()
        optimiser.param_groups[0]["lr"] = recipe.rate * min(1.0, 2 - 2 * progress.step / recipe.steps)
        images, labels = data.batch(recipe.batch, "cpu")
        loss = loss_of(hiding, shifted(images, shift), labels, recipe)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        progress.step += 1
        progress.seconds += time.perf_counter() - start
        if progress.step % CHECKPOINT_STEPS == 0 or progress.step == recipe.steps:
            progress.losses.append((progress.step, loss.item()))
            print(f"step {progress.step} loss {loss.item():.3f} {progress.seconds:.0f} s", flush=True)
            state = {"predictors": hiding.predictors.state_dict(), "optimiser": optimiser.state_dict()}
            partial = checkpoint.with_suffix(".partial")
            torch.save(state | {"progress": asdict(progress)}, partial)
            partial.replace(checkpoint)
    return progress


def write(predictors: nn.Module, folder: Path) -> None:
    """Write the predictors in half precision into the model's folder, and their checksum into its `model.json`."""
    content = save({name: tensor.half().contiguous() for name, tensor in predictors.state_dict().items()})
    (folder / SHIPPED).write_bytes(content)
    description = json.loads((folder / "model.json").read_text())
    description["files"][SHIPPED] = hashlib.sha256(content).hexdigest()
    (folder / "model.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n")


def facts(recipe: Recipe, progress: Progress, right: dict[str, float]) -> dict[str, Any]:
    """Return what is recorded of a run."""
    return {
        "recipe": asdict(recipe),
        "progress": asdict(progress),
        "top1": right,
        "device": f"{os.cpu_count()} CPU cores, {torch.get_num_threads()} threads",
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in ("torch", "timm")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="classifier of the zoo, such as fashion-vit")
    parser.add_argument("--data", type=Path, required=True, help="folder with the arrays that build_arrays.py builds")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    arguments = parser.parse_args()
    config = tomllib.loads((HERE / "configs" / f"{arguments.model}.toml").read_text())
    arguments.out.mkdir(parents=True, exist_ok=True)
    recipe, folder = Recipe(), MODELS / arguments.model
    torch.manual_seed(recipe.seed)
    hiding = Hiding(load_model(arguments.model), recipe.stages)
    data = load_images(arguments.data, **config["data"])
    progress = train(hiding, data, config["train"]["shift"], recipe, arguments.out / "checkpoint.pt")
    write(hiding.predictors, folder)
    test = load_images(arguments.data, **config["data"] | {"part": "test", "mirror": False})
    right = {"dense": accuracy(load_model(arguments.model), test, len(test.images))}
    reduced = load_model(arguments.model)
    with apply(reduced, "dynamicvit", weights=arguments.model, stages=recipe.stages, ratio=recipe.ratio):
        right["reduced"] = accuracy(reduced, test, len(test.images))
    record = json.dumps(facts(recipe, progress, right), indent=1) + "\n"
    (folder / "scorers.json").write_text(record)
    print(record)


if __name__ == "__main__":
    main()
