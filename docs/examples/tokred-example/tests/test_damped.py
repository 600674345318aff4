"""The similarity is what its docstring says."""

import torch

from tokred_example.damped import Damped


def test_equals_the_formula() -> None:
    src, dst = torch.randn(2, 5, 8), torch.randn(2, 3, 8)
    cosine = torch.nn.functional.cosine_similarity(src[:, :, None], dst[:, None], dim=-1)
    lengths, others = src.norm(dim=-1)[:, :, None], dst.norm(dim=-1)[:, None]
    expected = cosine * torch.minimum(lengths, others) / torch.maximum(lengths, others)
    torch.testing.assert_close(Damped().scores(src, dst), expected)


def test_tokens_of_zeros_are_like_nothing() -> None:
    assert Damped().scores(torch.zeros(1, 1, 4), torch.randn(1, 3, 4)).tolist() == [[[0.0, 0.0, 0.0]]]
