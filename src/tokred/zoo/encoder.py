"""The text encoder of the zoo's prompted models: one learned embedding for each word of a small vocabulary."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin

from tokred.errors import SpecError
from tokred.zoo.words import split_words

LENGTH = 8
"""Text tokens of every prompt; shorter ones are padded."""
PADDING = 0


class WordEncoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Embeds prompts word by word, in the two forms that SD3 and Flux take.

    Args:
        words: the vocabulary; `V` words.
        width: channels `C` of a text token.
        pooled_width: channels `P` of the vector that stands for the whole prompt.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, words: Sequence[str], width: int, pooled_width: int) -> None:
        super().__init__()
        self.index = {word: position for position, word in enumerate(words, start=1)}
        self.word = torch.nn.Embedding(len(self.index) + 1, width)
        self.position = torch.nn.Parameter(torch.zeros(LENGTH, width))
        self.pooled = torch.nn.EmbeddingBag(len(self.index) + 1, pooled_width, mode="mean", padding_idx=PADDING)

    def forward(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Embed prompts given as word numbers.

        Args:
            indices: `[B, 8]`, int64, from `numbers`.

        Returns:
            Text tokens `[B, 8, C]`, and the mean over the prompt's words `[B, P]`, zero for the empty prompt.
        """
        return self.word(indices) + self.position, self.pooled(indices)

    def numbers(self, prompts: Sequence[str]) -> torch.Tensor:
        """Look up the words of prompts, padded with 0 to `[B, 8]`, int64.

        Raises:
            SpecError: a prompt has an unknown word, or more than 8 words.
        """
        return torch.tensor([self._numbers(prompt) for prompt in prompts], device=self.position.device)

    def _numbers(self, prompt: str) -> list[int]:
        words = split_words(prompt)
        unknown = [word for word in words if word not in self.index]
        if unknown:
            raise SpecError(f"prompt {prompt!r} has words that the model does not know: {self._offers(unknown)}.")
        if len(words) > LENGTH:
            raise SpecError(f"prompt {prompt!r} has {len(words)} words; at most {LENGTH} are allowed. Shorten it.")
        return [self.index[word] for word in words] + [PADDING] * (LENGTH - len(words))

    def _offers(self, unknown: Sequence[str]) -> str:
        near = {word: difflib.get_close_matches(word, self.index, n=3, cutoff=0.5) for word in unknown}
        named = (f"{word!r}" + (f" (nearest: {', '.join(found)})" if found else "") for word, found in near.items())
        return ", ".join(named) + f". It knows {len(self.index)}: {', '.join(self.index)}"
