"""Cosine similarity, the measure of ToMe, ToMeSD and most that followed."""

from __future__ import annotations

import torch

from tokred.parts.product import Product

TINY = torch.finfo(torch.float32).tiny


class Cosine(Product):
    """Cosine of the angle between two tokens, in [-1, 1]; 0 for a token of zeros."""

    def unit(self, x: torch.Tensor) -> torch.Tensor:
        """Scale each token of `x` `[B, N, C]` to length 1; tokens of zeros stay zeros.

        On CUDA it is one operation, in the dtype of `x`, and the length is `sqrt(C)`: `products` takes that off.
        """
        if x.is_cuda:
            unit: torch.Tensor = torch.nn.functional.rms_norm(x, x.shape[-1:], eps=TINY)
            return unit
        x = x.contiguous()  # a DiT's tokens are a view of [B, C, N], of which lengths, rows and products take longer
        lengths: torch.Tensor = torch.linalg.vector_norm(x.float(), dim=-1, keepdim=True)
        return x / lengths.clamp_min(TINY)

    def products(self, src: torch.Tensor, dst: torch.Tensor, exact: bool = True) -> torch.Tensor:
        """Multiply units `[B, S, C]` and `[B, D, C]`: `[B, S, D]`, summed in float32; see `Product`."""
        dst = dst.transpose(1, 2)
        if not src.is_cuda:
            return src @ dst
        wide = torch.bmm(src, dst, out_dtype=torch.float32) if _widens(src) else src.float() @ dst.float()
        return wide.mul_(1 / src.shape[2]) if exact else wide


def _widens(x: torch.Tensor) -> bool:
    """Say whether half precision can be multiplied into float32, as it can on CUDA since PyTorch 2.8."""
    return x.dtype in (torch.float16, torch.bfloat16) and hasattr(torch.ops.aten.bmm, "dtype")
