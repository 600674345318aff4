"""DynamicViT: Rao et al., "Efficient Vision Transformers with Dynamic Token Sparsification", NeurIPS 2021."""

from __future__ import annotations

import torch
from torch.nn.functional import gelu, layer_norm, linear

from tokred import Method, SpecError
from tokred.parts import Copy, Cosine, Stages, check_numbers
from tokred_plugins.scored import ScoredMatcher, Tensors, read_scorers


class Predictor:
    """Says of each token how likely it is to stay, from its own features and the mean of all tokens' features."""

    per_channel = "enter.0.weight"

    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes for tokens of so many channels: a norm, and products from C over C, C / 2, C / 4 to 2."""
        norm = {"enter.0.weight": (width,), "enter.0.bias": (width,)}
        sides = {"enter.1": (width, width), "leave.0": (width // 2, width), "leave.2": (width // 4, width // 2)}
        sides |= {"leave.4": (2, width // 4)}
        weights = {f"{name}.weight": side for name, side in sides.items()}
        return norm | weights | {f"{name}.bias": side[:1] for name, side in sides.items()}

    def scores(self, weights: Tensors, tokens: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        """Return the log-odds that each of the tokens `[B, N, C]` stays, `[B, N]`.

        Args:
            weights: the tensors that `shapes` names.
            tokens: float32; one that holds no numbers has a score that is none, and counts nothing in the mean.
            present: 1 for tokens that count in the mean, 0 for others, `[B, N]`; None where all do.
        """

        def project(x: torch.Tensor, name: str) -> torch.Tensor:
            return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

        normed = layer_norm(tokens, tokens.shape[2:], weights["enter.0.weight"], weights["enter.0.bias"])
        local, shared = gelu(project(normed, "enter.1")).chunk(2, dim=2)
        counts = torch.ones_like(tokens[..., 0]) if present is None else present
        total = (shared.nan_to_num(0.0) * counts.unsqueeze(2)).sum(dim=1, keepdim=True)
        mean = total / counts.sum(dim=1).view(-1, 1, 1)
        x = gelu(project(torch.cat([local, mean.expand_as(shared)], dim=2), "leave.0"))
        stay, go = project(gelu(project(x, "leave.2")), "leave.4").unbind(dim=2)
        return stay - go


class PredictedMatcher(ScoredMatcher):
    """Keep the tokens that a trained predictor finds most likely to stay.

    Attributes:
        weights: path of a .safetensors file that holds the tensors of each stage's predictor as STAGE.NAME, stages
            counted from 0; or the name of a zoo model that comes with one.
        stage: whose predictor it is.
        matcher: is given the log-odds of staying as features, `[B, N, 1]`.
    """

    scorer = Predictor()


def dynamicvit(
    *, ratio: float = 0.3, weights: str = "fashion-vit", stages: tuple[float, ...] = (0.25, 0.5, 0.75)
) -> Method:
    """Keep the tokens that a trained predictor finds most likely to matter, and drop the others, at a few blocks.

    Args:
        ratio: share of the image tokens that each stage removes, of those that reach it, in [0, 1).
        weights: path of a .safetensors file with a predictor for each stage, trained on the model; or the name of a
            zoo model that comes with one.
        stages: the blocks that remove tokens, as shares of their number in [0, 1); as many as there are predictors.

    Raises:
        SpecError: if the file is missing, or is none of predictors for so many stages.
    """
    check_numbers("stages", stages)
    count = len(read_scorers(weights, PredictedMatcher.scorer))
    if len(stages) != count:
        raise SpecError(
            f"stages={stages!r} are {len(stages)}, and weights={weights!r} holds predictors for {count}. Name as many "
            "blocks, those that they were trained at."
        )
    matchers = tuple(PredictedMatcher(weights, stage) for stage in range(count))
    return Method(
        name="dynamicvit",
        paper="arXiv:2106.02034",
        similarity=Cosine("input"),  # no pairs are compared
        matcher=matchers[0],
        scheduler=Stages(ratio, stages, matchers),
        recovery=Copy(),  # not asked for: removed tokens are gone
        sites=("stream",),
    )
