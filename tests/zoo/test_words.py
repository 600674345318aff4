import pytest
import torch

from tokred.errors import SpecError
from tokred.zoo.encoder import WordEncoder
from tokred.zoo.words import split_words, vocabulary

PROMPTS = ("red apple", "green apple", "Medium-small square", "heart with arrow")


@pytest.fixture
def encoder() -> WordEncoder:
    torch.manual_seed(0)
    return WordEncoder(vocabulary(PROMPTS), width=6, pooled_width=5)


def test_words_are_letters_and_digits_in_lower_case() -> None:
    assert split_words("Medium-small  square, 2 (red)!") == ["medium", "small", "square", "2", "red"]
    assert split_words(" - ") == []


def test_vocabulary_holds_every_word_once() -> None:
    assert vocabulary(PROMPTS) == ["apple", "arrow", "green", "heart", "medium", "red", "small", "square", "with"]


def test_numbers_count_from_one_and_are_padded(encoder: WordEncoder) -> None:
    assert encoder.numbers(["red apple", ""]).tolist() == [[6, 1, 0, 0, 0, 0, 0, 0], [0] * 8]


def test_tokens_are_the_words_and_pooled_is_their_mean(encoder: WordEncoder) -> None:
    tokens, pooled = encoder(encoder.numbers(["green apple", "apple"]))
    assert tokens.shape == (2, 8, 6)
    assert torch.equal(tokens[0, 1] - encoder.position[1], tokens[1, 0] - encoder.position[0])
    words = encoder.pooled.weight[torch.tensor([3, 1])]
    torch.testing.assert_close(pooled, torch.stack([words.mean(0), words[1]]))


def test_empty_prompt_pools_to_zero(encoder: WordEncoder) -> None:
    assert encoder(encoder.numbers([""]))[1].tolist() == [[0.0] * 5]


def test_unknown_words_are_named_with_near_ones(encoder: WordEncoder) -> None:
    message = (
        r"prompt 'red aple zzz' has words that .* not know: 'aple' \(nearest: apple\), 'zzz'\. It knows 9: apple, "
    )
    with pytest.raises(SpecError, match=message):
        encoder.numbers(["red apple", "red aple zzz"])


def test_ninth_word_is_refused(encoder: WordEncoder) -> None:
    assert encoder.numbers([" ".join(["red"] * 8)]).shape == (1, 8)
    with pytest.raises(SpecError, match="has 9 words; at most 8 are allowed"):
        encoder.numbers([" ".join(["red"] * 9)])
